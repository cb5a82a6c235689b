"""Quantization schemes by name, found through the entry-point group ``qnn.quantizers``.

Names are listed without importing anything; a scheme is imported and checked on first use. A plugin
that cannot be used is an error of its own, with its distribution's name, and nobody else's.
"""

import dataclasses
import inspect
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import PluginError, QnnError, SpecError, nearest
from .quantizer import Quantizer, codebook
from .quantizer.base import equality_gap

GROUP = "qnn.quantizers"


@dataclass(frozen=True)
class Scheme:
    """A registered scheme: its name, and the distribution that brought it.

    Attributes:
        name: what spec strings call it.
        distribution: name of the installed distribution that registers it.
        version: that distribution's version.
        target: the entry point's value, ``"module:Class"``.
    """

    name: str
    distribution: str
    version: str
    target: str

    def __str__(self) -> str:
        return f"quantizer {self.name!r} of {self.distribution} {self.version} ({self.target})"

    def imported(self) -> type[Quantizer]:
        """Import the scheme and return its class, which may be no sound quantizer yet.

        Raises:
            PluginError: if it cannot be imported or is no quantizer class.
        """
        return _imported(self)

    def load(self) -> type[Quantizer]:
        """Import the scheme and return its class.

        Raises:
            PluginError: if it cannot be imported or is not a usable quantizer class; the message
                names the distribution, the cause is chained.
        """
        return _load(self)

    def bits(self) -> dict[int, int]:
        """Return ``{bits: number of levels}`` for the bit widths that have a meaning."""
        found = {}
        scheme = self.load()
        for bits in range(1, 9):
            try:
                found[bits] = codebook(scheme(bits=bits)).levels.size
            except SpecError:
                continue
            except Exception as error:
                raise PluginError(f"{self} fails with bits={bits}: {_told(error)}") from error
        return found


def schemes() -> list[str]:
    """Return the names of the registered schemes, sorted, without importing any.

    Example:
        >>> import qnn_core as qnn
        >>> "symmetric" in qnn.schemes()
        True
    """
    return sorted(_registered(anew=True))


def registered() -> list[Scheme]:
    """Return every registration, sorted by name; a name claimed twice appears twice."""
    found = _registered(anew=True)
    return [entry for name in sorted(found) for entry in found[name]]


def scheme(name: str) -> Scheme:
    """Return the scheme of that name.

    Raises:
        SpecError: if no distribution registers it; the message lists the known names.
        PluginError: if two distributions do; the message names both.
    """
    found = _registered().get(name) or _registered(anew=True).get(name)
    if found is None:
        known = ", ".join(schemes()) or "none: install qnn-quantizers"
        hint = _hint(name) or nearest(name, schemes())
        raise SpecError(f"no quantizer {name!r}{hint} (installed: {known})")
    if len(found) > 1:
        claims = " and ".join(f"{s.distribution} {s.version} ({s.target})" for s in found)
        raise PluginError(f"quantizer {name!r} is registered twice: by {claims}; uninstall one")
    return found[0]


def get_quantizer(spec: str | Quantizer | type[Quantizer], **options: Any) -> Quantizer:
    """Return the quantizer that a spec string describes.

    Args:
        spec: ``"name"``, ``"name:4"`` (short for bits=4) or ``"name:bits=4,axis=0,..."``; the
            options are the fields of the scheme's class. A quantizer is taken as it is; of a class
            of one an object is made, with what its fields have by default.
        options: further options, or others in place of those in `spec`.

    Raises:
        SpecError: for an unknown scheme or option, or a value without a meaning.
        PluginError: if the scheme's distribution is at fault.

    Example:
        >>> import qnn_core as qnn
        >>> qnn.get_quantizer("symmetric:bits=4,axis=0").levels
        array([-7., -6., -5., -4., -3., -2., -1.,  0.,  1.,  2.,  3.,  4.,  5.,
                6.,  7.], dtype=float32)
    """
    if isinstance(spec, type) and issubclass(spec, Quantizer):
        return _made(spec, options)
    if isinstance(spec, Quantizer):
        if not options:
            return spec
        check_options(type(spec), options, str(spec))
        return dataclasses.replace(spec, **options)
    if not isinstance(spec, str):
        hint = _hint(getattr(spec, "__name__", str(spec)))
        raise SpecError(f"a quantizer is given as a spec string or an object, not {spec!r}{hint}")
    name, given = parse(spec)
    cls = scheme(name).load()
    given |= options
    check_options(cls, given, spec)
    try:
        return cls(**given)
    except SpecError as error:
        raise SpecError(f"quantizer spec {spec!r}: {error}") from error
    except Exception as error:
        raise SpecError(f"quantizer spec {spec!r}: {_told(error)}") from error


def _made(cls: type[Quantizer], options: dict[str, Any]) -> Quantizer:
    """Return an object of a class that is no scheme by name."""
    check_options(cls, options, cls.__name__)
    try:
        return cls(**options)
    except TypeError as error:
        raise SpecError(f"{cls.__name__}: {_told(error)}: give an object of it") from error


# What people call a width or a dtype: "int8", "4", "uint2", "8bit", "4-bit"; "float32", "fp16".
# Papers whose methods are options of a scheme, or that people call otherwise than it.
PAPERS = {"bnn", "bwn", "dorefa", "dorefa-net", "fracbits", "lcq", "lsq", "lsq+", "octav", "pact"}
PAPERS |= {"sawb", "tqt", "twn", "uniq", "xnor", "xnor-net"}
WIDTH = re.compile(r"(?:u?int|[iuwb]|bits?)?[-_ ]?([1-8])(?:\.0)?[-_ ]?(?:bits?|b)?", re.IGNORECASE)
FLOAT = re.compile(r"(?:b?float|b?fp)[-_ ]?(?:8|16|32|64)?|16|32", re.IGNORECASE)


def _hint(name: str) -> str:
    """Return what may have been meant by a name that is a width or a dtype, or nothing."""
    width = WIDTH.fullmatch(name.strip())
    if width is not None:
        return f": a width needs a scheme too, such as 'symmetric:{width[1]}'"
    if name.strip().lower() in PAPERS:
        return (
            ": what papers add is mostly an option, such as 'symmetric:2,scale=lsq' or "
            "'uniform:2,scale=pact'; docs/schemes.md says which"
        )
    if FLOAT.fullmatch(name.strip()):
        return ": without a quantizer (None) it stays float32"
    return ""


def check_options(cls: type[Quantizer], options: Iterable[str], spec: str) -> None:
    """Raise a SpecError unless the class takes all of these options."""
    known = [f.name for f in dataclasses.fields(cls) if f.init]
    for option in options:
        if option not in known:
            raise SpecError(
                f"quantizer spec {spec!r}: {cls.__name__} has no option {option!r}"
                f"{nearest(option, known)} (options: {', '.join(known)})"
            )


def parse(spec: str) -> tuple[str, dict[str, Any]]:
    """Split a spec string into the scheme's name and its options.

    Example:
        >>> parse("symmetric:4,axis=0,scale=learned")
        ('symmetric', {'bits': 4, 'axis': 0, 'scale': 'learned'})
    """
    name, colon, rest = spec.partition(":")
    first, *options_meant = re.split("[,=]", name, maxsplit=1)
    if options_meant:
        meant = f"{first.strip()}:{options_meant[0].strip()}"
        raise SpecError(
            f"quantizer spec {spec!r}: a colon parts the name from the options: {meant!r}?"
        )
    options: dict[str, Any] = {}
    for position, part in enumerate(rest.split(",") if colon else []):
        key, equals, value = part.partition("=")
        if not equals and position == 0:
            key, value = "bits", part
        if not key.strip() or not value.strip() or not (equals or position == 0):
            raise SpecError(
                f"quantizer spec {spec!r}: {part!r} is not of the form option=value; "
                "write for example 'symmetric:bits=4,axis=0' or 'symmetric:4'"
            )
        if key.strip() in options:
            raise SpecError(f"quantizer spec {spec!r}: option {key.strip()!r} is given twice")
        options[key.strip()] = _literal(value.strip())
    return name.strip(), options


WORDS = {"True": True, "False": False, "None": None}


def _literal(text: str) -> Any:
    """Return a number, True, False or None; any other text as it stands, without quotes."""
    if text in WORDS:
        return WORDS[text]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _registered(*, anew: bool = False) -> dict[str, list[Scheme]]:
    """Return what is installed; without `anew` perhaps as it was when last asked.

    To read it takes as long as a thousand small products, and a net asks for each of its layers. It
    is read again where a folder gained or lost an entry; what is written inside of an entry shows
    only `anew`, so a name that is not found is looked for again.
    """
    if anew:
        _found.cache_clear()
    return _found(tuple((folder, _changed(folder)) for folder in sys.path))


def _changed(folder: str) -> int:
    """Return when a folder last gained or lost an entry, as it does when pip installs."""
    try:
        return os.stat(folder or os.curdir).st_mtime_ns
    except (OSError, ValueError):
        return 0


@lru_cache(maxsize=1)
def _found(_: tuple[tuple[str, int], ...]) -> dict[str, list[Scheme]]:
    found: defaultdict[str, list[Scheme]] = defaultdict(list)
    for point in entry_points(group=GROUP):
        entry = Scheme(point.name, *_distribution(point), point.value)
        # An editable install can list the same distribution twice.
        if entry not in found[point.name]:
            found[point.name].append(entry)
    return dict(found)


def _distribution(point: EntryPoint) -> tuple[str, str]:
    if point.dist is None:
        return "an unknown distribution", "?"
    return point.dist.name, point.dist.version


@cache
def _load(entry: Scheme) -> type[Quantizer]:
    loaded = _imported(entry)
    try:
        codebook(loaded())  # type: ignore[call-arg] # if it has no defaults, that is told
    except QnnError as error:
        raise PluginError(f"{entry} is not a sound quantizer: {error}") from error
    except Exception as error:
        raise PluginError(f"{entry} cannot be made with its defaults: {_told(error)}") from error
    return loaded


@cache
def _imported(entry: Scheme) -> type[Quantizer]:
    try:
        loaded: type[Quantizer] = EntryPoint(entry.name, entry.target, GROUP).load()
    except (Exception, SystemExit) as error:  # a module that exits must not end the program
        raise PluginError(f"{entry} cannot be imported: {_told(error)}") from error
    check_class(loaded, str(entry))
    return loaded


def check_class(loaded: Any, blame: str) -> None:
    """Raise a PluginError that says what is wrong with a plugin's class, before it is made."""
    if not inspect.isclass(loaded) or not issubclass(loaded, Quantizer):
        what = f"the class {loaded.__name__}" if inspect.isclass(loaded) else repr(loaded)
        raise PluginError(f"{blame} is {what}, not a subclass of qnn_core.quantizer.Quantizer")
    if missing := sorted(getattr(loaded, "__abstractmethods__", ())):
        raise PluginError(f"{blame} does not define {', '.join(missing)}")
    params = vars(loaded).get("__dataclass_params__")
    if params is None or not params.frozen:
        raise PluginError(f"{blame} must be decorated with @dataclass(frozen=True)")
    if gap := equality_gap(loaded):
        raise PluginError(f"{blame}: {gap}")
    if not any(f.name == "bits" and f.init for f in dataclasses.fields(loaded)):
        raise PluginError(f"{blame} does not take bits as an argument")


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
