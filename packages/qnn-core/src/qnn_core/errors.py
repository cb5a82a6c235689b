"""The errors of qnn_core: one base class, and the built-in class that each kind also is."""

import difflib
from collections.abc import Iterable


class QnnError(Exception):
    """Base of every error that qnn_core raises on purpose."""


class ShapeError(QnnError, ValueError):
    """Shapes that do not fit an operation; the message names the operation and the shapes."""


class DtypeError(QnnError, TypeError):
    """A dtype that an operation does not take."""


class DeviceError(QnnError, TypeError):
    """Numbers that lie where the processor cannot read them, such as on a graphics card."""


class GraphError(QnnError, RuntimeError):
    """A derivative that the recorded graph cannot give."""


class NonFiniteError(QnnError, ValueError):
    """NaN or infinity where a finite number is needed."""


class SpecError(QnnError, ValueError):
    """A quantizer spec string, an option or a bit width that has no meaning."""


class PluginError(QnnError):
    """A quantizer plugin that cannot be used; the message names its distribution."""


class StateError(QnnError, ValueError):
    """A state dictionary that does not fit the object that loads it."""


class StructureError(QnnError, TypeError):
    """A module that holds a part where it has no name, so that nothing would find it."""


class FileError(QnnError, ValueError):
    """A file that is cut, changed, of another kind or of another version."""


class PackError(QnnError, RuntimeError):
    """A packed model that does not give what the model gives that it was made from."""


class ExportError(QnnError, RuntimeError):
    """A model has no form in the language that it is exported to, or its export is not equal."""


class ConversionError(QnnError, ValueError):
    """A net of another framework that has no form here; the message lists all that has none."""


class BoardError(QnnError, RuntimeError):
    """Code that cannot be built for a microcontroller, or fails on an emulated one."""


class MissingToolError(BoardError):
    """A program or module that is not installed; the message says which, and what installs it."""


class CompareError(QnnError, ValueError):
    """A comparison that cannot be made as it is described, or does not fit its folder."""


class ConversionWarning(UserWarning):
    """A net of another framework that gives other numbers here."""


class TrainingWarning(UserWarning):
    """A training that has gone nowhere; `fit` says what and why in one line."""


class ExportWarning(UserWarning):
    """An exported model of which a part is not, or cannot be, as it was asked for."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name nearest to `name`, or ``""``.

    Example:
        >>> nearest("symetric", ["binary", "symmetric"])
        "; did you mean 'symmetric'?"
    """
    match = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {match[0]!r}?" if match else ""
