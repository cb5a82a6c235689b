"""What modules hold, as JSON and arrays: written, and read without executing any of it."""

import json
import re
import struct
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from types import FunctionType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..autodiff import Buffer, Op, Parameter, Tensor
from ..errors import FileError, SpecError
from ..quantizer import Quantizer
from .kept_arrays import DTYPES, check_kept
from .kept_generators import BIT_GENERATORS, bit_generator, seed_sequence, seeds_of
from .module import Module
from .parts import vars_of

T = TypeVar("T")
Array = NDArray[Any]

PLAIN = (bool, int, float, str, type(None))
# What else cannot change, so that nobody can tell whether it is one object or two.
LEAVES = (bytes, np.generic, np.dtype, Op, FunctionType)
# Bits of an int that Python writes and reads in decimal digits, whatever its limit on these is.
MOST_BITS = 2000
# Of a class that is written in Python, and so has its values in attributes (Py_TPFLAGS_HEAPTYPE).
HEAP = 1 << 9
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

    What is met a second time is written as ``{"again": id}``, so that what two attributes share
    they share when it is read.

    Args:
        names: of parameters and buffers in the file, by their ids.
        numbers: of modules in the file, by their ids.
        arrays: of the file.

    Attributes:
        added: the arrays that were added, and where they stand in the model.
    """

    def __init__(
        self, names: Mapping[int, str], numbers: Mapping[int, int], arrays: dict[str, Array]
    ) -> None:
        self._names, self._numbers, self._arrays = names, numbers, arrays
        self.added: list[tuple[str, Array]] = []
        # By id, what was met, which keeps the id its own, and what is written for it; None while
        # that is being made.
        self._met: dict[int, tuple[Any, dict[str, Any] | None]] = {}
        self._ids = 0
        self._in_set = False

    def value(self, value: Any, where: str) -> Any:
        """Return JSON for a value.

        Raises:
            SpecError: if there is none; the message says where it stands.
        """
        if type(value) in PLAIN:
            return _plain(value)
        if isinstance(value, Module):
            return self._module(value, where)
        if isinstance(value, LEAVES):
            described = self._leaf(value, where)
        elif self._in_set:
            described = self._of_a_set(value, where)
        elif id(value) in self._met:
            described = self._again(value, where)
        else:
            self._met[id(value)] = value, None
            described = self._described(value, where)
            self._met[id(value)] = value, described
        if described is None:
            raise _refused(value, where)
        return described

    def _described(self, value: Any, where: str) -> dict[str, Any] | None:
        for write in (self._part, self._container, self._array_or_generator):
            found: dict[str, Any] | None = write(value, where)
            if found is not None:
                return found
        return None

    def _again(self, value: Any, where: str) -> dict[str, Any]:
        _, described = self._met[id(value)]
        if described is None:
            raise SpecError(f"save: {where} is a {type(value).__name__} that holds itself")
        if "id" not in described:
            described["id"] = self._ids
            self._ids += 1
        return {"again": described["id"]}

    def _of_a_set(self, value: Any, where: str) -> dict[str, Any] | None:
        """Return JSON for what is in a set, whose order is no one's: so nothing in it is shared."""
        fixed = type(value) in (tuple, frozenset) or hasattr(value, "_fields")
        if fixed or isinstance(value, Quantizer) or _is_frozen(type(value)):
            return self._described(value, where)
        raise SpecError(
            f"save: {where} holds a {type(value).__name__} in a set, where a file of a model "
            "keeps only what cannot change: hold it in a list"
        )

    def _module(self, module: Module, where: str) -> dict[str, Any]:
        if id(module) not in self._numbers:
            raise SpecError(f"save: {where} is a {type(module).__name__} that is no part of it")
        return {"module": self._numbers[id(module)]}

    def _leaf(self, value: Any, where: str) -> dict[str, Any] | None:
        if type(value) is bytes:
            return {"bytes": value.hex()}
        if isinstance(value, np.generic):
            if value.dtype not in DTYPES or type(value) is not value.dtype.type:
                return None
            return {"number": value.tobytes().hex(), "dtype": value.dtype.str}
        if isinstance(value, np.dtype):
            # One with fields, or of another library, is not all in its text.
            told = DTYPE.fullmatch(value.str) is not None and not value.metadata
            return {"dtype": value.str} if told and np.dtype(value.str) == value else None
        name = _operation(value)
        return None if name is None else {"operation": name}

    def _part(self, value: Any, where: str) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(value, where)
        if isinstance(value, Quantizer):
            given = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
            return {
                "quantizer": path_of(type(value), where),
                "fields": self._attributes(given, where),
            }
        names = _fields(type(value))
        if names is not None and vars_of(value).keys() <= set(names):
            if not is_plain_class(type(value)):
                return None
            held = self._attributes(vars_of(value), where)
            return {"dataclass": path_of(type(value), where), "fields": held}
        return None

    def _attributes(self, given: dict[str, Any], where: str) -> list[list[Any]]:
        # Pairs, as JSON has no order in a table: what is met again stands behind.
        return [[name, self.value(value, f"{where}.{name}")] for name, value in given.items()]

    def _container(self, value: Any, where: str) -> Any:
        if type(value) in (list, tuple):
            return {type(value).__name__: self._listed(value, where)}
        if type(value) in (set, frozenset):
            return {type(value).__name__: self._set(value, where)}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            if vars_of(value) or not is_plain_class(type(value), tuple):
                return None
            return {
                "namedtuple": path_of(type(value), where),
                "values": self._listed(value, where),
            }
        if type(value) is dict:
            key, here = self.value, f"a key of {where}"
            return {"dict": [[key(k, here), key(v, f"{where}.{k}")] for k, v in value.items()]}
        return None

    def _listed(self, values: Any, where: str) -> list[Any]:
        return [self.value(value, f"{where}.{n}") for n, value in enumerate(values)]

    def _set(self, values: Any, where: str) -> list[Any]:
        outer, self._in_set = self._in_set, True
        try:
            return sorted((self.value(value, where) for value in values), key=_as_text)
        finally:
            self._in_set = outer

    def _array_or_generator(self, value: Any, where: str) -> Any:
        if isinstance(value, np.ndarray):
            return {"array": self._kept(value, where)}
        if type(value) is np.random.Generator:
            return {"generator": self.value(value.bit_generator, where)}
        if isinstance(value, np.random.BitGenerator):
            return self._bits(value, where)
        if type(value) is np.random.SeedSequence:
            return {"seeds": self._attributes(seeds_of(value), where)}
        return None

    def _bits(self, generator: Any, where: str) -> Any:
        kind = type(generator)
        known = kind.__name__ in BIT_GENERATORS and getattr(np.random, kind.__name__) is kind
        if not known or type(generator.seed_seq) is not np.random.SeedSequence:
            raise SpecError(
                f"save: {where} is a generator on {kind.__name__} that NumPy's default_rng or a "
                "SeedSequence did not make, and would not come back as it is"
            )
        return {
            "bits": kind.__name__,
            "state": self.value(generator.state, where),
            "seeds": self.value(generator.seed_seq, where),
        }

    def _tensor(self, tensor: Tensor, where: str) -> Any:
        kind = {Parameter: "parameter", Buffer: "buffer", Tensor: "tensor"}.get(type(tensor))
        if kind is None or tensor.node is not None or tensor.quantized is not None:
            raise SpecError(
                f"save: {where} is a tensor that an operation made, or of a class of its own: hold "
                "a Parameter, a Buffer or an array"
            )
        name = self._names.get(id(tensor)) or self._kept(tensor.array, where)
        described: dict[str, Any] = {kind: name, "trained": bool(tensor.requires_grad)}
        if isinstance(tensor, Parameter):
            bounds = None if tensor.bounds is None else [float(end) for end in tensor.bounds]
            described |= {"bounds": bounds, "decay": bool(tensor.decay)}
        return described

    def _kept(self, array: Array, where: str) -> str:
        check_kept(array, where)
        name = f"array/{len(self._arrays)}"
        self._arrays[name] = array
        self.added.append((where, array))
        return name


# As `numpy.dtype.str` has them that are of one kind.
DTYPE = re.compile(r"[<>|=][biufcmMSUO]\d*(\[\d*[a-zA-Z]+\])?")


def _plain(value: Any) -> Any:
    """Return JSON for a plain value: itself, but for what JSON or Python's reader of it changes."""
    if type(value) is float and value != value:  # noqa: PLR0124 (only NaN is)
        return {"nan": struct.pack(">d", value).hex()}
    if type(value) is int and value.bit_length() > MOST_BITS:
        return {"int": hex(value)}
    return value


def _as_text(described: Any) -> str:
    return json.dumps(described, sort_keys=True)


def _refused(value: Any, where: str) -> SpecError:
    told = f"{type(value).__module__}.{type(value).__name__}"
    if isinstance(value, np.dtype):
        told = f"numpy.dtype {value!r:.200}"
    names = _fields(type(value))
    extra = sorted(vars_of(value).keys() - set(names)) if names is not None else []
    if extra:
        told += f" with attributes beside its fields ({', '.join(extra)})"
    return SpecError(
        f"save: {where} holds a {told}, which a file of a model cannot: hold parameters, modules, "
        "quantizers, arrays, dataclasses and plain values, and put functions into methods. "
        "qnn.save_state keeps the parameters alone"
    )


def is_plain_class(cls: type, known: type = object) -> bool:
    """Whether an object of a class holds attributes alone, and what `known` holds: no list, say."""
    return all(base in (object, known) or base.__flags__ & HEAP for base in cls.__mro__)


def _is_frozen(cls: type) -> bool:
    """Whether it is a class of dataclasses that cannot change, and are equal by their fields."""
    params = getattr(cls, "__dataclass_params__", None)
    return params is not None and params.frozen and params.eq


def _fields(cls: type) -> list[str] | None:
    """Return the names of a dataclass's fields; None for another class."""
    return [f.name for f in fields(cls)] if is_dataclass(cls) else None


def _operation(value: Op | FunctionType) -> str | None:
    """Return the name of an operation of `qnn_core.ops`."""
    name = value.name if isinstance(value, Op) else value.__name__
    return name if name in ops.__all__ and getattr(ops, name) is value else None


class Reader:
    """Makes values of JSON.

    Args:
        arrays: of the file.
        modules: of the file, which are filled later.
    """

    def __init__(self, arrays: Mapping[str, Array], modules: list[Any]) -> None:
        self._arrays, self._modules = arrays, modules
        self._tensors: dict[str, Tensor] = {}
        # By its id in the file, what is met again, and how many values are in it.
        self._met: dict[int, tuple[Any, int]] = {}
        # Values so far, and how many of them are there again: to whoever looks at all that a list
        # holds, which doubles with each level of a few bytes.
        self._count = self._repeated = 0
        # Of one array there may be copies, but not without end.
        self._room = 10 * sum(array.nbytes for array in arrays.values()) + 1_000_000

    def value(self, found: Any) -> Any:
        """Return the value of what `Writer.value` returned.

        Raises:
            FileError: if it is none.
        """
        before = self._count
        self._count += 1
        if type(found) in PLAIN:
            return found
        for kind, make in _KINDS.items():
            if kind in found:
                made = make(self, found, found[kind])
                if "id" in found:
                    self._met[found["id"]] = made, self._count - before
                return made
        raise FileError(f"{found!r:.80} is nothing that a model holds")

    def _again(self, _: Any, number: Any) -> Any:
        if number not in self._met:
            raise FileError(f"nothing before has the id {number!r:.80}")
        made, count = self._met[number]
        self._count += count
        self._repeated += count
        if self._repeated > 10 * (self._count - self._repeated) + 1_000_000:
            raise FileError("values stand in each other in more places than in any model")
        return made

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

    def _number(self, found: Any, content: str) -> Any:
        dtype = self._dtype(found, found["dtype"])
        if dtype not in DTYPES:
            raise FileError(f"a number of {dtype} is nothing that a model holds")
        return np.frombuffer(bytes.fromhex(content), dtype).reshape(())[()]

    def _dtype(self, _: Any, text: str) -> np.dtype[Any]:
        if not DTYPE.fullmatch(text):
            raise FileError(f"{text!r:.80} is no dtype that a model holds")
        return np.dtype(text)

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
        return cls(**self._attributes(found["fields"]))

    def _dataclass(self, found: Any, path: str) -> Any:
        cls = class_at(path, object)
        names, given = _fields(cls), found["fields"]
        if names is None or not {name for name, _ in given} <= set(names):
            raise FileError(f"{path!r:.200} is no dataclass of these fields")
        made = object.__new__(cls)
        for name, value in self._attributes(given).items():
            object.__setattr__(made, name, value)
        return made

    def _attributes(self, pairs: list[Any]) -> dict[str, Any]:
        return {name: self.value(value) for name, value in pairs}

    def _namedtuple(self, found: Any, path: str) -> Any:
        cls = class_at(path, tuple)
        values = self._list(found, found["values"])
        names = getattr(cls, "_fields", None)
        if not isinstance(names, tuple) or len(names) != len(values):
            raise FileError(f"{path!r:.200} is no tuple of {len(values)} names")
        return tuple.__new__(cls, values)

    def _list(self, _: Any, values: list[Any]) -> list[Any]:
        return [self.value(value) for value in values]

    def _dict(self, _: Any, pairs: list[Any]) -> dict[Any, Any]:
        return {self.value(key): self.value(value) for key, value in pairs}

    def _generator(self, _: Any, bits: Any) -> np.random.Generator:
        made = self.value(bits)
        if not isinstance(made, np.random.BitGenerator):
            raise FileError(f"{bits!r:.80} is no generator of NumPy's")
        return np.random.Generator(made)

    def _bits(self, found: Any, kind: Any) -> Any:
        state, seeds = self.value(found["state"]), self.value(found["seeds"])
        if not isinstance(seeds, np.random.SeedSequence):
            raise FileError(f"{kind!r:.80} has no seeds")
        return bit_generator(kind, state, seeds)

    def _seeds(self, _: Any, pairs: Any) -> np.random.SeedSequence:
        return seed_sequence(self._attributes(pairs))

    def _operation(self, _: Any, name: str) -> Any:
        if name not in ops.__all__:
            raise FileError(f"{name!r:.80} is no operation of qnn_core.ops")
        return getattr(ops, name)


_KINDS: dict[str, Any] = {
    "again": Reader._again,
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
    "nan": lambda _, __, text: struct.unpack(">d", bytes.fromhex(text))[0],
    "int": lambda _, __, text: int(text, 16),
    "bytes": lambda _, __, text: bytes.fromhex(text),
    "dtype": Reader._dtype,
    "generator": Reader._generator,
    "bits": Reader._bits,
    "seeds": Reader._seeds,
    "operation": Reader._operation,
}
