"""What modules hold, as JSON and arrays: written, and read without executing any of it."""

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..autodiff import Buffer, Op, Parameter, Tensor
from ..errors import FileError, SpecError
from ..quantizer import Quantizer
from .module import Module
from .parts import vars_of

T = TypeVar("T")
Array = NDArray[Any]

PLAIN = (bool, int, float, str, type(None))
BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
MAIN = "__main__"


def path_of(cls: type, where: str) -> str:
    """Return ``module:qualname`` of a class.

    Raises:
        SpecError: if it is not found there.
    """
    path = f"{cls.__module__}:{cls.__qualname__}"
    try:
        found = _at(path)
    except (AttributeError, ImportError, KeyError):
        found = None
    if found is not cls:
        raise SpecError(
            f"save: the class of {where}, {path}, is not found by its name, so that nothing could "
            "be made of the file: define it in a module, not in a function. qnn.save_state keeps "
            "the parameters alone"
        )
    return path


def class_at(path: Any, base: type[T]) -> type[T]:
    """Return the class of ``module:qualname``.

    Raises:
        FileError: if it cannot be imported, or is no subclass of `base`.
    """
    try:
        found = _at(path)
    except (Exception, SystemExit) as error:  # whatever somebody else's module does
        told = f"{type(error).__name__}: {error}"
        if str(path).startswith(f"{MAIN}:"):
            told = (
                "it was in the program that saved the file: define it in this one, or in a module"
            )
        raise FileError(f"the class {path!r:.200} is not found ({told})") from error
    if not isinstance(found, type) or not issubclass(found, base):
        raise FileError(f"{path!r:.200} is no {base.__name__}, and nothing else is made")
    return found


def _at(path: str) -> Any:
    module, _, qualname = path.partition(":")
    found: Any = sys.modules[MAIN] if module == MAIN else import_module(module)
    for name in qualname.split("."):
        # Classes alone: what else has a name may run code when it is asked for one.
        found = vars(found)[name]
        if not isinstance(found, type):
            raise AttributeError(f"{name} is no class")
    return found


class Writer:
    """Makes JSON of values, and adds arrays to those of the file.

    Args:
        names: of parameters and buffers in the file, by their ids.
        numbers: of modules in the file, by their ids.
        arrays: of the file.
    """

    def __init__(
        self, names: Mapping[int, str], numbers: Mapping[int, int], arrays: dict[str, Array]
    ) -> None:
        self._names, self._numbers, self._arrays = names, numbers, arrays

    def value(self, value: Any, where: str) -> Any:
        """Return JSON for a value.

        Raises:
            SpecError: if there is none; the message says where it stands.
        """
        if type(value) in PLAIN:
            return value
        for write in (self._part, self._container, self._numbers_of):
            found = write(value, where)
            if found is not None:
                return found
        name = _operation(value)
        if name is not None:
            return {"operation": name}
        raise SpecError(
            f"save: {where} holds a {type(value).__module__}.{type(value).__name__}, which a file "
            "of a model cannot: hold parameters, modules, quantizers, arrays, dataclasses and "
            "plain values, and put functions into methods. qnn.save_state keeps the parameters "
            "alone"
        )

    def _part(self, value: Any, where: str) -> Any:
        if isinstance(value, Module):
            return {"module": self._numbers[id(value)]}
        if isinstance(value, Tensor):
            return self._tensor(value, where)
        if isinstance(value, Quantizer):
            given = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
            return {
                "quantizer": path_of(type(value), where),
                "fields": {n: self.value(v, f"{where}.{n}") for n, v in given.items()},
            }
        names = _fields(type(value))
        if names is not None and vars_of(value).keys() <= set(names):
            held = {n: self.value(v, f"{where}.{n}") for n, v in vars_of(value).items()}
            return {"dataclass": path_of(type(value), where), "fields": held}
        return None

    def _container(self, value: Any, where: str) -> Any:
        if type(value) in (list, tuple, set, frozenset):
            kind = type(value).__name__
            return {kind: [self.value(v, f"{where}.{n}") for n, v in enumerate(value)]}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            values = [self.value(v, f"{where}.{n}") for n, v in enumerate(value)]
            return {"namedtuple": path_of(type(value), where), "values": values}
        if type(value) is dict:
            key, here = self.value, f"a key of {where}"
            return {"dict": [[key(k, here), key(v, f"{where}.{k}")] for k, v in value.items()]}
        return None

    def _numbers_of(self, value: Any, where: str) -> Any:
        if isinstance(value, np.ndarray) and value.dtype.kind in "buif":
            return {"array": self._kept(value)}
        if isinstance(value, np.generic) and value.dtype.kind in "buif":
            return {"number": self._kept(np.asarray(value))}
        if type(value) is bytes:
            return {"bytes": value.hex()}
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if isinstance(value, np.random.Generator):
            return self._generator(value, where)
        return None

    def _tensor(self, tensor: Tensor, where: str) -> Any:
        kind = {Parameter: "parameter", Buffer: "buffer", Tensor: "tensor"}.get(type(tensor))
        if kind is None or tensor.node is not None or tensor.quantized is not None:
            raise SpecError(
                f"save: {where} is a tensor that an operation made, or of a class of its own: hold "
                "a Parameter, a Buffer or an array"
            )
        name = self._names.get(id(tensor)) or self._kept(tensor.array)
        described: dict[str, Any] = {kind: name, "trained": tensor.requires_grad}
        if isinstance(tensor, Parameter):
            described |= {"bounds": tensor.bounds, "decay": tensor.decay}
        return described

    def _generator(self, generator: np.random.Generator, where: str) -> Any:
        bits: Any = generator.bit_generator
        kind = type(bits).__name__
        if kind not in BIT_GENERATORS:
            raise SpecError(f"save: {where} is a generator on {kind}, which is none of NumPy's")
        return {"generator": kind, "state": self.value(bits.state, where)}

    def _kept(self, array: Array) -> str:
        name = f"array/{len(self._arrays)}"
        self._arrays[name] = array
        return name


def _fields(cls: type) -> list[str] | None:
    """Return the names of a dataclass's fields; None for another class."""
    return [f.name for f in fields(cls)] if is_dataclass(cls) else None


def _operation(value: Any) -> str | None:
    """Return the name of an operation of `qnn_core.ops`."""
    name = value.name if isinstance(value, Op) else getattr(value, "__name__", None)
    known = name in ops.__all__ and getattr(ops, str(name)) is value
    return str(name) if known else None


class Reader:
    """Makes values of JSON.

    Args:
        arrays: of the file.
        modules: of the file, which are filled later.
    """

    def __init__(self, arrays: Mapping[str, Array], modules: list[Any]) -> None:
        self._arrays, self._modules = arrays, modules
        self._tensors: dict[str, Tensor] = {}
        # Of one array there may be copies, but not without end.
        self._room = 10 * sum(array.nbytes for array in arrays.values()) + 1_000_000

    def value(self, found: Any) -> Any:
        """Return the value of what `Writer.value` returned.

        Raises:
            FileError: if it is none.
        """
        if type(found) in PLAIN:
            return found
        for kind, make in _KINDS.items():
            if kind in found:
                return make(self, found, found[kind])
        raise FileError(f"{found!r:.80} is nothing that a model holds")

    def _module(self, _: Any, number: Any) -> Any:
        if type(number) is not int or number < 0:
            raise FileError(f"there is no module {number!r:.80}")
        return self._modules[number]

    def _array(self, _: Any, name: str) -> Array:
        array = self._arrays[name]
        self._room -= array.nbytes
        if self._room < 0:
            raise FileError(f"the array {name!r:.80} is there more often than any model needs it")
        return array.copy()

    def _number(self, _: Any, name: str) -> Any:
        return self._arrays[name][()]

    def _parameter(self, found: Any, name: str) -> Tensor:
        def make(array: Array) -> Tensor:
            bounds = found["bounds"]
            bounds = None if bounds is None else tuple(bounds)
            return Parameter(array, array.dtype, bounds=bounds, decay=bool(found["decay"]))

        return self._tensor(found, name, make)

    def _buffer(self, found: Any, name: str) -> Tensor:
        return self._tensor(found, name, lambda array: Buffer(array, array.dtype))

    def _constant(self, found: Any, name: str) -> Tensor:
        return self._tensor(found, name, lambda array: Tensor(array.copy(), array.dtype))

    def _tensor(self, found: Any, name: str, make: Any) -> Tensor:
        if name not in self._tensors:
            tensor = make(self._arrays[name])
            tensor.requires_grad = bool(found["trained"])
            self._tensors[name] = tensor
        return self._tensors[name]

    def _quantizer(self, found: Any, path: str) -> Quantizer:
        cls = class_at(path, Quantizer)  # type: ignore[type-abstract] # of a subclass of it
        given = {name: self.value(value) for name, value in found["fields"].items()}
        return cls(**given)

    def _dataclass(self, found: Any, path: str) -> Any:
        cls = class_at(path, object)
        names = _fields(cls)
        if names is None or not found["fields"].keys() <= set(names):
            raise FileError(f"{path!r:.200} is no dataclass of these fields")
        made = cls.__new__(cls)
        for name, value in found["fields"].items():
            object.__setattr__(made, name, self.value(value))
        return made

    def _namedtuple(self, found: Any, path: str) -> Any:
        cls = class_at(path, tuple)
        values = self._list(found, found["values"])
        if len(getattr(cls, "_fields", ())) != len(values) or not values:
            raise FileError(f"{path!r:.200} is no tuple of {len(values)} names")
        return tuple.__new__(cls, values)

    def _list(self, _: Any, values: list[Any]) -> list[Any]:
        return [self.value(value) for value in values]

    def _dict(self, _: Any, pairs: list[Any]) -> dict[Any, Any]:
        return {self.value(key): self.value(value) for key, value in pairs}

    def _generator(self, found: Any, kind: str) -> np.random.Generator:
        if kind not in BIT_GENERATORS:
            raise FileError(f"{kind!r:.80} is no generator of NumPy's")
        bits = getattr(np.random, kind)()
        bits.state = self.value(found["state"])
        return np.random.Generator(bits)

    def _operation(self, _: Any, name: str) -> Any:
        if name not in ops.__all__:
            raise FileError(f"{name!r:.80} is no operation of qnn_core.ops")
        return getattr(ops, name)


_KINDS: dict[str, Any] = {
    "module": Reader._module,
    "parameter": Reader._parameter,
    "buffer": Reader._buffer,
    "tensor": Reader._constant,
    "quantizer": Reader._quantizer,
    "dataclass": Reader._dataclass,
    "namedtuple": Reader._namedtuple,
    "list": Reader._list,
    "tuple": lambda reader, found, values: tuple(reader._list(found, values)),
    "set": lambda reader, found, values: set(reader._list(found, values)),
    "frozenset": lambda reader, found, values: frozenset(reader._list(found, values)),
    "dict": Reader._dict,
    "array": Reader._array,
    "number": Reader._number,
    "bytes": lambda _, __, text: bytes.fromhex(text),
    "dtype": lambda _, __, text: np.dtype(str(text)),
    "generator": Reader._generator,
    "operation": Reader._operation,
}
