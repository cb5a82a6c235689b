"""A model in a file with its structure, to be trained on: what each of its modules holds, as data.

Not how it was built: what was exchanged, quantized or assigned later is in the modules, so it is in
the file (record 54 of docs/adr). Nothing in a file is executed: a class is imported by its name,
must be a `Module`, a `Quantizer`, a dataclass or a named tuple, and of these only a quantizer's
`__init__` is called, and `__new__` where a class has one of its own.
"""

from pathlib import Path
from typing import Any

from ..errors import FileError, SpecError
from ..files import save_arrays
from .model_values import Reader, Writer, class_at, path_of
from .module import Module
from .parts import held, vars_of

KIND = "qnn model"
VERSION = 1
# How such a file names what is in `state_dict`.
STATE = "state/"

# Lines of a model, as repr shows it.
MOST_SHOWN = 1_000_000

# What a call has found out, and forgets when a module is copied.
FORGOTTEN = ("_checked",)


def save_model(model: Module, path: str | Path) -> None:
    """Write a module with all that it holds to a safetensors file; no pickle.

    Args:
        model: any module. Its attributes hold parameters, buffers, modules, quantizers, arrays,
            dataclasses, generators of NumPy, operations of `qnn_core.ops`, plain values, or lists,
            tuples, dictionaries and sets of such.
        path: where to; its folder must exist.

    Raises:
        OSError: if it cannot be written.
        SpecError: if an attribute holds something else, or a class cannot be imported by its name;
            the message says which, and what to do.
        StructureError: see `Module.named_modules`.
    """
    parts = model.named_parts()
    arrays = {STATE + name: tensor.array for name, tensor in [*parts.parameters, *parts.buffers]}
    names = {id(tensor): STATE + name for name, tensor in [*parts.parameters, *parts.buffers]}
    numbers = {id(module): number for number, (_, module) in enumerate(parts.modules)}
    writer = Writer(names, numbers, arrays)
    described = [
        {
            "class": path_of(type(module), path or "the model"),
            # In their order, which names, repr and training go by.
            "attributes": [
                (name, writer.value(value, f"{path}.{name}".lstrip(".")))
                for name, value in vars_of(module).items()
                if name not in FORGOTTEN
            ],
        }
        for path, module in parts.modules
        if _is_plain_module(module, path)
    ]
    about = {"kind": KIND, "version": VERSION, "model": repr(model), "modules": described}
    save_arrays(path, arrays, about)


def read_model(path: str | Path, arrays: dict[str, Any], about: dict[str, Any]) -> Module:
    """Return the module of a file's arrays and description.

    Raises:
        FileError: if it is of another version, damaged, or a class is not found or is none that a
            model may hold; the message names it.
    """
    if about.get("version") != VERSION:
        raise FileError(
            f"{path} holds {KIND!r} version {about.get('version')!r:.80}; needed is {VERSION}"
        )
    try:
        model = _built(arrays, about["modules"])
        shown = repr(model)
    except FileError as error:
        raise FileError(f"{path}: {error}") from error
    except (
        ArithmeticError,
        AttributeError,
        AssertionError,
        LookupError,
        MemoryError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as e:
        raise FileError(f"{path} describes no model: {type(e).__name__}: {e}") from e
    if shown != about.get("model"):
        raise FileError(
            f"{path}: its classes have changed since it was saved. The model was\n"
            f"{about.get('model')}\nand would be\n{shown}\n"
            "qnn.load_state reads the parameters alone, for load_state_dict of a model built anew"
        )
    return model


def _built(arrays: dict[str, Any], described: list[dict[str, Any]]) -> Module:
    classes = [class_at(entry["class"], Module) for entry in described]
    modules: list[Any] = [cls.__new__(cls) for cls in classes]
    reader = Reader(arrays, modules)
    for module, entry in zip(modules, described, strict=True):
        for name, value in entry["attributes"]:
            _set(module, name, reader.value(value))
    model: Module = modules[0]
    model.named_parts()  # of a sound structure
    _check_nesting(modules)
    return model


def _check_nesting(modules: list[Any]) -> None:
    """Refuse modules that stand in each other so often that to show them takes for ever.

    A module counts once for each place where it is shown, which doubles with each level of a few
    bytes.
    """
    shown: dict[int, int] = {}

    def count(module: Any) -> int:
        if id(module) not in shown:
            shown[id(module)] = 1 + sum(count(v) for _, v in held(module) if isinstance(v, Module))
        return shown[id(module)]

    if max(map(count, modules)) > MOST_SHOWN:
        raise FileError("modules stand in each other in more places than any model has")


def _set(module: Module, name: str, value: Any) -> None:
    if not isinstance(name, str) or name.startswith("__"):
        raise FileError(f"{name!r:.80} is no attribute of a model")
    if callable(getattr(type(module), name, None)):
        raise FileError(f"{name!r} would stand in for a method of {type(module).__name__}")
    if hasattr(module, "__dict__") and not _is_slot(module, name):
        vars(module)[name] = value
    else:
        object.__setattr__(module, name, value)


def _is_slot(module: Module, name: str) -> bool:
    return any(name in vars(cls).get("__slots__", ()) for cls in type(module).__mro__)


def _is_plain_module(module: Module, path: str) -> bool:
    if isinstance(module, list | tuple | dict):
        raise SpecError(
            f"save: {path or 'the model'} is a {type(module).__name__} that is a list, tuple or "
            "dictionary itself: hold these in an attribute"
        )
    return True
