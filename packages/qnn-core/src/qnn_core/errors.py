"""The errors of qnn_core: one base class, and the built-in class that each kind also is."""

import difflib
from collections.abc import Iterable


class QnnError(Exception):
    """Base of every error that qnn_core raises on purpose.

    Example:
        >>> import qnn_core as qnn
        >>> try:
        ...     qnn.get_quantizer("symetric:2")
        ... except QnnError as error:
        ...     "did you mean 'symmetric'?" in str(error)
        True
    """


class ShapeError(QnnError, ValueError):
    """Shapes that do not fit an operation; the message names the operation and the shapes.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> qnn.ops.add([1.0, 2.0], [1.0, 2.0, 3.0])
        Traceback (most recent call last):
            ...
        qnn_core.errors.ShapeError: add: ...
    """


class DtypeError(QnnError, TypeError):
    """A dtype that an operation does not take.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> qnn.ops.add(qnn.Tensor([1.0]), qnn.Tensor([1.0], np.float64))
        Traceback (most recent call last):
            ...
        qnn_core.errors.DtypeError: add: tensors of one dtype are needed, got float32, float64; ...
    """


class DeviceError(QnnError, TypeError):
    """Numbers that lie where the processor cannot read them, such as on a graphics card.

    Example:
        >>> issubclass(DeviceError, TypeError)  # as where a tensor of another library is on a GPU
        True
    """


class GraphError(QnnError, RuntimeError):
    """A derivative that the recorded graph cannot give.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> np.log1p(qnn.Parameter([1.0]))
        Traceback (most recent call last):
            ...
        qnn_core.errors.GraphError: ...
    """


class NonFiniteError(QnnError, ValueError):
    """NaN or infinity where a finite number is needed.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> qnn.ops.fake_quantize([np.nan], 1.0, quantizer="symmetric:2")
        Traceback (most recent call last):
            ...
        qnn_core.errors.NonFiniteError: ... nan ...
    """


class SpecError(QnnError, ValueError):
    """A quantizer spec string, an option or a bit width that has no meaning.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> qnn.get_quantizer("binary:4")
        Traceback (most recent call last):
            ...
        qnn_core.errors.SpecError: ...
    """


class PluginError(QnnError):
    """A quantizer plugin that cannot be used; the message names its distribution.

    Example:
        >>> raise PluginError("quantizer 'mine' of my-quantizers 1.0: no module 'mine'")
        Traceback (most recent call last):
            ...
        qnn_core.errors.PluginError: quantizer 'mine' of my-quantizers 1.0: no module 'mine'
    """


class StateError(QnnError, ValueError):
    """A state dictionary that does not fit the object that loads it.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> qnn.MLP([2, 2], seed=0).load_state_dict({})
        Traceback (most recent call last):
            ...
        qnn_core.errors.StateError: ...
    """


class StructureError(QnnError, TypeError):
    """A module that holds a part where it has no name, so that nothing would find it.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> net = qnn.Sequential(qnn.ReLU())
        >>> net.parts = {qnn.Linear(2, 2, seed=0)}  # in a set, where it has no name
        >>> list(net.parameters())
        Traceback (most recent call last):
            ...
        qnn_core.errors.StructureError: ...
    """


class FileError(QnnError, ValueError):
    """A file that is cut, changed, of another kind or of another version.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import qnn_core as qnn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "net.qnn")
        ...     _ = path.write_bytes(b"no model")
        ...     qnn.load(path)
        Traceback (most recent call last):
            ...
        qnn_core.errors.FileError: ...
    """


class PackError(QnnError, RuntimeError):
    """A packed model that does not give what the model gives that it was made from.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> qnn.pack(lambda x: x - x[:1], np.float32([[1.0], [2.0]]))
        Traceback (most recent call last):
            ...
        qnn_core.errors.PackError: ...
    """


class ExportError(QnnError, RuntimeError):
    """A model has no form in the language that it is exported to, or its export is not equal.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> packed = qnn.pack(qnn.MLP([2, 2], seed=0), np.zeros((1, 2)))  # all float
        >>> packed.export_c("net", name="net", input="float32")
        Traceback (most recent call last):
            ...
        qnn_core.errors.ExportError: ...
    """


class ConversionError(QnnError, ValueError):
    """A net of another framework that has no form here; the message lists all that has none.

    Example:
        >>> raise ConversionError("not all of this net has a form here: Erf (2 times)")
        Traceback (most recent call last):
            ...
        qnn_core.errors.ConversionError: not all of this net has a form here: Erf (2 times)
    """


class BoardError(QnnError, RuntimeError):
    """Code that cannot be built for a microcontroller, or fails on an emulated one.

    Example:
        >>> import tempfile
        >>> from qnn_core.boards import CNet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     CNet.find(folder)
        Traceback (most recent call last):
            ...
        qnn_core.errors.BoardError: a net is NAME.h, NAME.c and NAME_test.c; ... has none
    """


class MissingToolError(BoardError):
    """A program or module that is not installed; the message says which, and what installs it.

    Example:
        >>> raise MissingToolError("there is no avr-gcc (Debian: apt-get install gcc-avr)")
        Traceback (most recent call last):
            ...
        qnn_core.errors.MissingToolError: there is no avr-gcc (Debian: apt-get install gcc-avr)
    """


class CompareError(QnnError, ValueError):
    """A comparison that cannot be made as it is described, or does not fit its folder.

    Example:
        >>> from qnn_compare import Target
        >>> Target(accuracy=95)
        Traceback (most recent call last):
            ...
        qnn_core.errors.CompareError: compare: accuracy of a target must be a share from 0 to 1, ...
    """


class ConversionWarning(UserWarning):
    """A net of another framework that gives other numbers here.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("error", ConversionWarning)  # let it end the conversion
        >>> warnings.simplefilter("default", ConversionWarning)
    """


class TrainingWarning(UserWarning):
    """A training that has gone nowhere; `fit` says what and why in one line.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("error", TrainingWarning)  # let it end the training
        >>> warnings.simplefilter("default", TrainingWarning)
    """


class ExportWarning(UserWarning):
    """An exported model of which a part is not, or cannot be, as it was asked for.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore", ExportWarning)  # where a float layer is meant to stay
        >>> warnings.simplefilter("default", ExportWarning)
    """


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name nearest to `name`, or ``""``.

    Example:
        >>> nearest("symetric", ["binary", "symmetric"])
        "; did you mean 'symmetric'?"
    """
    match = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {match[0]!r}?" if match else ""
