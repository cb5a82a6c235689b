"""A model in a file with its structure, to be trained on: what each of its modules holds, as data.

Not how it was built: what was exchanged, quantized or assigned later is in the modules, so it is in
the file (record 54 of docs/adr). Nothing in a file is executed: a class is imported by its name,
must be a `Module`, a `Quantizer`, a dataclass or a named tuple, and of these only a quantizer is
made by a call; the others are made without `__init__` and `__new__`, and filled.
"""

import json
import re
from functools import cached_property
from pathlib import Path
from types import MemberDescriptorType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError, QnnError, SpecError
from ..files import atomic_write, parse_arrays, serialize_arrays
from .kept_arrays import check_apart, check_kept
from .model_values import Reader, Writer, class_at, is_plain_class, path_of
from .module import Module
from .parts import Parts, held, vars_of

Array = NDArray[Any]
Described = list[dict[str, Any]]
Content = tuple[dict[str, Array], Described]

KIND = "qnn model"
VERSION = 2
# How such a file names what is in `state_dict`.
STATE = "state/"

# Lines of a model, as repr shows it.
MOST_SHOWN = 1_000_000
TOO_OFTEN = "modules stand in each other in more places than any model has"

# What a call has found out, and forgets when a module is copied.
FORGOTTEN = ("_checked",)


def save_model(model: Module, path: str | Path) -> None:
    """Write a module with all that it holds to a safetensors file; no pickle.

    Before anything is written, the file is read in memory, and what comes of it is compared with
    the model: what could not be loaded, or would be another model, is refused here.

    Args:
        model: any module. Its attributes hold parameters, buffers, modules, quantizers, arrays,
            dataclasses, generators of NumPy, operations of `qnn_core.ops`, plain values, or lists,
            tuples, dictionaries and sets of such.
        path: where to; its folder must exist.

    Raises:
        OSError: if it cannot be written.
        SpecError: if an attribute holds something else, or would not come back as it is, or a class
            cannot be imported by its name; the message says which, and what to do.
        StructureError: see `Module.named_modules`.
    """
    try:
        content = _content(model)
    except QnnError:
        raise
    except RecursionError as error:
        raise SpecError("save: the model holds something that is nested too deeply") from error
    atomic_write(path, content)


def _content(model: Module) -> bytes:
    """Return the bytes of a model's file, which were read again."""
    parts = model.named_parts()
    if _shown([module for _, module in parts.modules]) > MOST_SHOWN:
        raise SpecError(f"save: {TOO_OFTEN}")
    try:
        shown = repr(model)
    except (QnnError, RecursionError):
        raise
    except Exception as error:  # of somebody's describe
        raise SpecError(f"save: the model does not show itself: {error!r:.400}") from error
    arrays, described = _described(parts)
    try:
        content = serialize_arrays(
            arrays, {"kind": KIND, "version": VERSION, "model": shown, "modules": described}
        )
        found, about = parse_arrays(content, "the file")
        modules = _built(found, about["modules"], [path for path, _ in parts.modules])
    except MemoryError:
        raise
    except Exception as error:  # whatever keeps load from it
        raise SpecError(f"save: what is written could not be loaded: {error}") from error
    again = modules[0].named_parts()
    if canonical(repr(modules[0])) != canonical(shown):
        raise SpecError(
            f"save: {_shown_otherwise(parts, modules)} shows itself otherwise when it is loaded, "
            "by which load tells whether its classes have changed: let describe and repr tell "
            "of nothing but the attributes"
        )
    _compare(parts, (arrays, described), _described(again))
    return content


def _described(parts: Parts) -> Content:
    """Return the arrays of a model's file, and its modules as JSON."""
    state = [(STATE + name, tensor) for name, tensor in [*parts.parameters, *parts.buffers]]
    for name, tensor in state:
        check_kept(tensor.array, name.removeprefix(STATE))
    arrays = {name: tensor.array for name, tensor in state}
    names = {id(tensor): name for name, tensor in state}
    numbers = {id(module): number for number, (_, module) in enumerate(parts.modules)}
    writer = Writer(names, numbers, arrays)
    described = [_module(writer, path, module) for path, module in parts.modules]
    check_apart([*((name.removeprefix(STATE), t.array) for name, t in state), *writer.added])
    return arrays, described


def _module(writer: Writer, path: str, module: Module) -> dict[str, Any]:
    """Return a module as JSON: its class, and its attributes in their order, which repr goes by."""
    if not is_plain_class(type(module)):
        raise SpecError(
            f"save: {path or 'the model'} is a {type(module).__name__}, which is a list, "
            "tuple or dictionary itself, or a class of C: hold these in an attribute"
        )
    attributes = []
    for name, value in vars_of(module).items():
        if name not in FORGOTTEN:
            where = place(path, name)
            try:
                attributes.append([name, writer.value(value, where)])
            except (QnnError, RecursionError):
                raise
            except Exception as error:  # of somebody's class, when it is asked what it holds
                raise SpecError(f"save: {where} cannot be written: {error!r:.400}") from error
    return {"class": path_of(type(module), path or "the model"), "attributes": attributes}


def place(path: str, name: Any) -> str:
    """Return where an attribute stands, for messages."""
    named = name if isinstance(name, str) and name else repr(name)
    return f"{path}.{named}" if path else named


def _compare(
    parts: Parts,
    mine: tuple[dict[str, Array], Described],
    other: tuple[dict[str, Array], Described],
) -> None:
    """Raise a SpecError where a model that was loaded is not the one that was saved."""
    for (path, _), one, two in zip(parts.modules, mine[1], other[1], strict=True):
        pairs = zip(one["attributes"], two["attributes"], strict=False)
        unlike = [a[0] for a, b in pairs if a != b or _as_text(a) != _as_text(b)]
        if unlike or len(one["attributes"]) != len(two["attributes"]):
            named = place(path, unlike[0]) if unlike else path or "the model"
            raise SpecError(f"save: {named} would not come back as it is: hold it otherwise")
    for name, array in mine[0].items():
        if not _same(array, other[0].get(name)):
            raise SpecError(f"save: the array {name} would not come back as it is")


def _as_text(described: Any) -> str:
    return json.dumps(described, sort_keys=True)  # tells 1 from 1.0 and True


def _same(one: Array, other: Array | None) -> bool:
    """Whether two arrays are equal in every bit."""
    if other is None or (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    return np.array_equal(_bytes(one), _bytes(other))


def _bytes(array: Array) -> NDArray[np.uint8]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _shown_otherwise(parts: Parts, modules: list[Any]) -> str:
    """Return the path of an innermost module that does not show itself as it was."""
    for (path, module), again in zip(reversed(parts.modules), reversed(modules), strict=True):
        if canonical(repr(module)) != canonical(repr(again)):
            return path or "the model"
    return "the model"


def canonical(shown: str) -> str:
    """Return what a model shows without what is another text in every process.

    Sets and dictionaries are sorted, as the order of sets hangs on the process, and addresses left
    out.

    Example:
        >>> canonical("Net({'b', 'a'}, <function relu at 0x7f00>)")
        "Net({'a', 'b'}, <function relu>)"
    """
    shown = re.sub(r" at 0x[0-9a-fA-F]+", "", shown)
    return re.sub(
        r"\{([^{}]*)\}", lambda found: "{" + ", ".join(sorted(found[1].split(", "))) + "}", shown
    )


def read_model(path: str | Path, arrays: dict[str, Any], about: dict[str, Any]) -> Module:
    """Return the module of a file's arrays and description.

    Raises:
        FileError: if it is of another version, damaged, or a class is not found, has changed, or is
            none that a model may hold; the message names it.
    """
    if about.get("version") != VERSION:
        raise FileError(
            f"{path} holds {KIND!r} version {about.get('version')!r:.80}; needed is {VERSION}"
        )
    try:
        model: Module = _built(arrays, about["modules"])[0]
        shown, told = repr(model), about["model"]
        same = canonical(shown) == canonical(told)
    except FileError as error:
        raise FileError(f"{path}: {error}") from error
    except Exception as e:  # of somebody's class, too, when it is asked to show itself
        raise FileError(f"{path} describes no model: {type(e).__name__}: {e}") from e
    if not same:
        raise FileError(
            f"{path}: what it describes is not the model that was saved: its classes have changed "
            f"since, or somebody has changed the file. The model was\n{told}\nand would be\n"
            f"{shown}\n"
            "qnn.load_state reads the parameters alone, for load_state_dict of a model built anew"
        )
    return model


def _built(arrays: dict[str, Any], described: Described, paths: list[str] | None = None) -> Any:
    """Return the modules of a file, filled; `paths` are theirs, where they are known."""
    classes = [class_at(entry["class"], Module) for entry in described]
    modules: list[Any] = [object.__new__(cls) for cls in classes]
    reader = Reader(arrays, modules)
    for number, (module, entry) in enumerate(zip(modules, described, strict=True)):
        path = f"module {number}, a {type(module).__name__}" if paths is None else paths[number]
        for name, value in entry["attributes"]:
            try:
                _set(module, name, reader.value(value))
            except Exception as e:
                told = str(e) if isinstance(e, FileError) else f"{type(e).__name__}: {e}"
                raise FileError(f"{place(path, name)}: {told}") from e
    modules[0].named_parts()  # of a sound structure
    if _shown(modules) > MOST_SHOWN:
        raise FileError(TOO_OFTEN)
    return modules


def _shown(modules: list[Any]) -> int:
    """Return in how many places modules are shown: so many that it takes for ever, maybe.

    A module counts once for each place where it is shown, which doubles with each level of a few
    bytes.
    """
    shown: dict[int, int] = {}

    def count(module: Any) -> int:
        if id(module) not in shown:
            shown[id(module)] = 1 + sum(count(v) for _, v in held(module) if isinstance(v, Module))
        return shown[id(module)]

    return max(map(count, modules))


def _set(module: Module, name: str, value: Any) -> None:
    if not isinstance(name, str) or name.startswith("__"):
        raise FileError(f"{name!r:.80} is no attribute of a model")
    of_class = _of_class(type(module), name)
    if _is_method(of_class):
        raise FileError(f"{name!r} would stand in for a method of {type(module).__name__}")
    if isinstance(of_class, MemberDescriptorType):  # of a slot
        object.__setattr__(module, name, value)
    else:
        vars(module)[name] = value


def _of_class(cls: type, name: str) -> Any:
    """Return what a class has by a name, as it stands there; None if nothing."""
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _is_method(value: Any) -> bool:
    """Whether a class's attribute is a method, or the like, that one of an object would hide.

    An operation or another object that can be called is none, nor is what only keeps a value.
    """
    cls = type(value)
    keeps = hasattr(cls, "__set__") or isinstance(value, cached_property)
    return hasattr(cls, "__get__") and not keeps
