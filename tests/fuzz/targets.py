"""The formats that are read: honest files, how they are damaged, and what reading may give.

Each target makes its honest files itself, so that they are of today's format; golden files of older
versions go with them.
"""

import contextlib
import gzip
import hashlib
import io
import json
import math
import struct
import tomllib
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from little_study import data, net
from mutations import ODD_NUMBERS, as_json, changed, damaged
from qnn_compare.experiment.study_file import read_study_file
from qnn_core.deploy.file.archive import archived, extracted
from qnn_core.errors import QnnError
from qnn_core.files import load_arrays
from qnn_core.machine import cpu
from qnn_core.training import Checkpoint

GOLDEN = Path(__file__).parents[1] / "golden"
BOUND = 2**22  # elements of an input that a model is run on


@dataclass(frozen=True)
class Case:
    """A file to read.

    Attributes:
        content: its bytes.
        place: which file it stands for; a target may have several.
        of: number of the honest file that it was made of.
        sealed: whether its checksum fits, so that what it says may be something else.
    """

    content: bytes
    place: str = "file"
    of: int = 0
    sealed: bool = False


class Target(ABC):
    """A format."""

    name: str
    files: list[bytes]
    errors: tuple[type[BaseException], ...] = (QnnError, FileNotFoundError)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def honest(self) -> list[Case]:
        """Return files that nobody has damaged."""
        return [Case(content, of=number) for number, content in enumerate(self.files)]

    @abstractmethod
    def make(self, rng: Random) -> Case:
        """Return a damaged file."""

    @abstractmethod
    def read(self, case: Case) -> str | None:
        """Read a file, and return what is wrong with what was read."""

    def needed(self, case: Case) -> int:
        """Return the bytes of memory that a damaged file may well ask for, if there are any."""
        return 0


class Idx(Target):
    """Arrays of qnn_data, plain and gzipped."""

    name = "idx"
    errors = (qnn_data.IdxError,)

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        rng = np.random.default_rng(0)
        arrays = [
            rng.integers(0, 256, (20, 9, 7)).astype(np.uint8),
            np.arange(50, dtype=np.uint8),
            rng.normal(size=(6, 5)),
            rng.integers(-300, 300, (3, 4, 5, 2)).astype(np.int16),
            np.zeros((0, 3), np.float32),
        ]
        plain = [qnn_data.encode_idx(array) for array in arrays]
        self.files = [*plain, *(gzip.compress(content, mtime=0) for content in plain)]

    def make(self, rng: Random) -> Case:
        of = rng.randrange(len(self.files))
        content = self.files[of]
        if rng.random() < 0.5:
            return Case(damaged(rng, content, self.files), of=of)
        # A gzipped file whose content is damaged, or huge.
        plain = bytearray(self.files[of % 5])
        if rng.random() < 0.5 and plain[3]:
            axis = rng.randrange(plain[3])
            size = rng.choice(ODD_NUMBERS)
            size = int(size) % 2**32 if abs(size) < 1e300 else 2**32 - 1
            struct.pack_into(">I", plain, 4 + 4 * axis, size)
        else:
            plain = bytearray(damaged(rng, bytes(plain), self.files))
        if rng.random() < 0.1:
            plain += bytes(rng.choice((1000, 2**18, 2**21)))
        if rng.random() < 0.3:
            return Case(bytes(plain), of=of)
        cut = rng.randrange(len(plain) + 1) if rng.random() < 0.3 else len(plain)
        members = [
            gzip.compress(bytes(part), 1, mtime=0) for part in (plain[:cut], plain[cut:]) if part
        ]
        content = b"".join(members) * (300 if rng.random() < 0.02 else 1)
        return Case(damaged(rng, content, self.files) if rng.random() < 0.2 else content, of=of)

    def read(self, case: Case) -> str | None:
        array = qnn_data.decode_idx(case.content, "here")
        gzipped = case.content[:2] == b"\x1f\x8b"
        content = gzip.decompress(case.content) if gzipped else case.content
        written = qnn_data.encode_idx(array)
        return None if written == content else "the array is not that of the file"

    def needed(self, case: Case) -> int:
        """Return how much of the array that the file announces it does hold."""
        held = announced = 0
        # A damaged stream counts as far as it goes.
        problems = OSError, EOFError, struct.error, IndexError, zlib.error
        with contextlib.suppress(*problems), gzip.open(io.BytesIO(case.content)) as file:
            header = file.read(4)
            shape = struct.unpack(f">{header[3]}I", file.read(4 * header[3]))
            announced = 8 * math.prod(shape)
            while held < announced and (part := file.read(2**20)):
                held += len(part)
        return min(held, announced)


class Safetensors(Target):
    """What files of nets have in common: a checksum over header and arrays."""

    def make(self, rng: Random) -> Case:
        of, way = rng.randrange(len(self.files)), rng.random()
        content = self.files[of]
        if way < 0.3:
            return Case(damaged(rng, content, self.files), of=of)
        try:
            if way < 0.5:
                return Case(self.resealed_header(rng, content), of=of, sealed=True)
            if way < 0.6:
                return Case(resealed(damaged(rng, content, self.files)), of=of, sealed=True)
            return Case(self.described(rng, content), of=of, sealed=True)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError, struct.error):
            # A change that no file can hold.
            return Case(damaged(rng, content, self.files), of=of)

    def resealed_header(self, rng: Random, content: bytes) -> bytes:
        """Change the header of safetensors: names, dtypes, shapes, offsets."""
        header, body = parted(content)
        metadata = header.pop("__metadata__")
        header = changed(rng, header)
        if isinstance(header, dict):
            header["__metadata__"] = changed(rng, metadata) if rng.random() < 0.1 else metadata
        if rng.random() < 0.2:
            body = damaged(rng, body, self.files)
        return sealed(as_json(rng, header), body)

    @abstractmethod
    def described(self, rng: Random, content: bytes) -> bytes:
        """Change what the description says, or the arrays."""

    def path(self, case: Case) -> Path:
        """Write the file."""
        path = self.folder / "file.qnn"
        path.write_bytes(case.content)
        return path


class Described(Safetensors):
    """Files whose description and arrays are stored as they are read.

    Attributes:
        poking, changing: the share of files in which arrays, or the description, are changed.
    """

    poking: float
    changing: float

    def described(self, rng: Random, content: bytes) -> bytes:
        path = self.folder / "honest.qnn"
        path.write_bytes(content)
        arrays, about = load_arrays(path)
        arrays = dict(sorted(arrays.items()))  # parsed in another order each time
        way = rng.random()
        return assembled(
            poked(rng, arrays) if way > 1 - self.poking else arrays,
            changed(rng, about) if way < self.changing else about,
            rng,
        )


def parted(content: bytes) -> tuple[dict[str, Any], bytes]:
    """Return the header of a safetensors file, and what follows."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    if not isinstance(header, dict):
        raise TypeError("no header")
    return header, content[end:]


def sealed(header: bytes, body: bytes) -> bytes:
    """Return a safetensors file whose checksum, which stands in the header, fits."""
    header += b" " * (-len(header) % 8)
    return resealed(len(header).to_bytes(8, "little") + header + body)


def resealed(content: bytes) -> bytes:
    """Return a file with the checksum that fits: of the file with zeros in its place."""
    header, _ = parted(content)
    old = header["__metadata__"]["sha256"]
    if not isinstance(old, str) or len(old) != 64 or not set(old) <= set("0123456789abcdef"):
        raise ValueError("no checksum to replace")
    empty = content.replace(old.encode(), b"0" * 64)
    return empty.replace(b"0" * 64, hashlib.sha256(empty).hexdigest().encode(), 1)


def assembled(arrays: dict[str, Any], about: Any, rng: Random) -> bytes:
    """Return a sealed file of arrays and a description, without the project's writer."""
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    at = 0
    for name, array in arrays.items():
        stored = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": NAMES[array.dtype.str[1:]], "shape": list(array.shape),
            "data_offsets": [at, at + len(stored)],
        }  # fmt: skip
        at += len(stored)
        parts.append(stored)
    header["__metadata__"] = {"about": as_json(rng, about).decode(), "sha256": "0" * 64}
    return sealed(json.dumps(header, separators=(",", ":")).encode(), b"".join(parts))


NAMES = {
    "f4": "F32", "f8": "F64", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64", "u1": "U8",
    "u2": "U16", "u4": "U32", "u8": "U64", "b1": "BOOL", "f2": "F16",
}  # fmt: skip


def poked(rng: Random, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return arrays of which one is not what it was."""
    arrays = dict(arrays)
    if not arrays:
        return arrays
    name = rng.choice(sorted(arrays))
    array, way = arrays[name], rng.randrange(7)
    if way == 0:
        del arrays[name]
    elif way == 1:
        arrays[rng.choice(("x", f"{name}.2", "model/x", "/"))] = array
    elif way == 2:
        arrays[name] = array.reshape(-1)[: rng.randrange(array.size + 1)]
    elif way == 3:
        arrays[name] = array.astype(rng.choice(sorted(NAMES)))
    elif way == 4:
        arrays[name] = np.concatenate([array.reshape(-1)] * rng.choice((2, 50)))
    elif array.size:
        array = array.copy()
        flat = array.reshape(-1)
        odd = (0, 1, -1, 255, 2**31, np.nan, np.inf, -np.inf, 3e38, 1e-45)
        with np.errstate(all="ignore"):
            flat[rng.randrange(flat.size)] = np.array(rng.choice(odd)).astype(array.dtype)
        arrays[name] = array
    return arrays


class Packed(Safetensors):
    """Packed models: `qnn.load`, and a run on its input."""

    name = "packed"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        made = qnn.MLP(
            [6, 9, 7, 3], weight="symmetric:2", input="uniform:2", batch_norm=True, seed=0
        )
        x = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
        made(qnn.Tensor(x))
        qnn.pack(made, x).save(folder / "made.qnn")
        paths = [folder / "made.qnn", *sorted(GOLDEN.glob("packed*.qnn"))]
        self.files = [path.read_bytes() for path in paths]
        self.answers = [_ran(qnn.load(path)) for path in paths]
        self.parts = [_graph_parts(path) for path in paths]

    def described(self, rng: Random, content: bytes) -> bytes:
        arrays, about = self.parts[self.files.index(content)]
        way = rng.random()
        if way < 0.75:
            about = changed(rng, about)
        if way > 0.6:
            arrays = poked(rng, arrays)
        if rng.random() < 0.5 or not isinstance(about, dict):
            return assembled(
                arrays, {**about, "version": 1} if isinstance(about, dict) else about, rng
            )
        tensors, head = archived(arrays, {**about, "version": 2})
        if rng.random() < 0.1:
            tensors = poked(rng, tensors)
        if rng.random() < 0.1:
            head = changed(rng, head)
        return assembled(tensors, head, rng)

    def read(self, case: Case) -> str | None:
        model = qnn.load(self.path(case))
        answer = _ran(model)
        if not case.sealed:
            same = answer is not None and np.array_equal(
                answer, self.answers[case.of], equal_nan=True
            )
            return None if same else "another model passed the checksum"
        return _disagreement(model) if answer is not None else None


def _input_of(model: qnn.PackedModel) -> list[Any] | None:
    shapes = [given.shape for given in model.graph.inputs]
    if any(np.prod(shape, dtype=float) > BOUND for shape in shapes):
        return None
    rng = np.random.default_rng(0)
    return [rng.normal(size=(2, *shape)).astype(np.float32) for shape in shapes]


def _ran(model: qnn.PackedModel) -> Any:
    inputs = _input_of(model)
    if inputs is None:
        return None
    with np.errstate(all="ignore"):
        answer = model(*inputs)
    parts = answer if isinstance(answer, tuple) else (answer,)
    return np.concatenate([np.asarray(part, np.float64).reshape(-1) for part in parts])


def _disagreement(model: qnn.PackedModel) -> str | None:
    """Say if a model that was accepted gives one thing here and another there."""
    whole = _ran(model)
    names = [name for name in cpu.paths() if name != cpu.active()]
    for name in names[:1]:
        with cpu.using(name):
            other = _ran(model)
        if not np.array_equal(whole, other, equal_nan=True):
            return f"other answers on path {name}"
    return None


def _graph_parts(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    tensors, about = load_arrays(path)
    if about["version"] != 1:
        tensors, about = extracted(tensors, about)
    return dict(sorted(tensors.items())), about  # parsed in another order each time


class Checkpoints(Described):
    """Checkpoints of `fit`: `Checkpoint.load`, and a run that goes on from it."""

    name = "checkpoint"
    poking, changing = 0.4, 0.75

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        model, optimizer = _learner()
        qnn.fit(model, DATA, epochs=1, optimizer=optimizer, checkpoint=folder / "made.qnn")
        paths = [folder / "made.qnn", GOLDEN / "checkpoint-v1.qnn"]
        self.files = [path.read_bytes() for path in paths]
        self.contents = [_checkpoint(path) for path in paths]

    def read(self, case: Case) -> str | None:
        path = self.path(case)
        found = _checkpoint(path)
        if not case.sealed:
            same = found == self.contents[case.of]
            return None if same else "another checkpoint passed the checksum"
        if case.of == 0:
            model, optimizer = _learner()
            with np.errstate(all="ignore"):
                qnn.fit(model, DATA, epochs=1, optimizer=optimizer, resume=True, checkpoint=path)
        return None


class Models(Described):
    """Models that are trained on: `qnn.load` of what `qnn.save` wrote."""

    name = "model"
    poking, changing = 0.2, 0.9

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        model, _ = _learner()
        with_parts = qnn.Sequential(model, qnn.Dropout(0.1, seed=0), qnn.Conv1d(1, 1, 2), model)
        shared, kinds = [{1: np.arange(3), "a": {2.5, None}}], (np.random.MT19937, np.random.Philox)
        with_attributes: Any = qnn.Sequential(qnn.ReLU())
        with_attributes.held = [shared, (shared, -np.nan, 10**700), np.float32(1), np.dtype("f4")]
        with_attributes.rngs = [np.random.Generator(kind(0)) for kind in kinds]
        self.files = []
        for made in (model, with_parts, with_attributes):
            qnn.save(made, folder / "made.qnn")
            self.files.append((folder / "made.qnn").read_bytes())

    def read(self, case: Case) -> str | None:
        found = qnn.load(self.path(case))
        if not isinstance(found, qnn.Module):
            return f"a {type(found).__name__} was made"
        rngs = getattr(found, "rngs", None)
        for value in rngs if isinstance(rngs, list) else []:
            if isinstance(value, np.random.Generator):
                value.random(5)  # which reads beside its state if that is wrong
        if not case.sealed and repr(found) != repr(qnn.load(self._honest(case.of))):
            return "another model passed the checksum"
        return None

    def _honest(self, number: int) -> Path:
        path = self.folder / "compared.qnn"
        path.write_bytes(self.files[number])
        return path


DATA = [(np.eye(3, dtype=np.float32), np.arange(3))]


def _learner() -> tuple[qnn.Module, qnn.optim.Optimizer]:
    model = qnn.MLP([3, 4, 3], weight="symmetric:3", input="uniform:2", batch_norm=True, seed=0)
    return model, qnn.optim.Adam(model.parameters(), lr=0.01)


def _checkpoint(path: Path) -> Any:
    found = Checkpoint.load(path)
    return {
        part: {
            name: (array.dtype.str, array.shape, array.tobytes())
            for name, array in getattr(found, part).items()
        }
        for part in ("model", "best", "optimizer")
    } | {"recipe": found.recipe, "history": found.history.to_list()}


BESIDE = """
import numpy as np

def net(weight, input, seed):
    raise RuntimeError("never called")

def load(name="mnist"):
    raise RuntimeError("never called")
"""
STUDIES = (
    """\
[compare]
weights = ["symmetric", "binary", "uniform"]
activations = ["uniform"]
bits = [1, 2, [2, 4], 32]
seeds = 5

[net]
build = "qnn_core:MLP"
sizes = [784, 20, 10]
batch_norm = true

[data]
load = "fuzzed_study:load"
name = "mnist"

[training]
epochs = 10
batch_size = 32
lr = 1e-2
optimizer = "adam"
""",
    """\
[compare]
weights = ["logarithmic:4,signed=False"]
seeds = [3, 1, 2]
[net]
build = "fuzzed_study:net"
[data]
load = "fuzzed_study:load"
[training]
epochs = 1
""",
)


class Studies(Target):
    """Study files in TOML: what `qnn compare` reads; nothing in them is called."""

    name = "study"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "fuzzed_study.py").write_text(BESIDE, "utf-8")
        for name, body in (("fuzzed_exit", "raise SystemExit(3)"), ("fuzzed_error", "1 / 0")):
            (folder / f"{name}.py").write_text(body, "utf-8")
        self.files = [text.encode() for text in STUDIES]

    def make(self, rng: Random) -> Case:
        of = rng.randrange(len(self.files))
        if rng.random() < 0.5:
            return Case(damaged(rng, self.files[of], [*self.files, *TOML_PARTS]), of=of)
        tree = changed(rng, tomllib.loads(STUDIES[of]))
        return Case(_toml(tree), of=of)

    def read(self, case: Case) -> str | None:
        path = self.folder / "study.toml"
        path.write_bytes(case.content)
        config = read_study_file(path)
        if not callable(config.build) or not callable(config.data):
            return "what was accepted cannot be called"
        return None


TOML_PARTS = [
    b'load = "fuzzed_exit:f"\n', b'load = "fuzzed_error:f"\n', b'build = "fuzzed_study:"\n',
    b'build = "os:path"\n', b"seeds = 99999999999999999999\n", b"lr = nan\n", b"lr = -inf\n",
    b"epochs = 1979-05-27T07:32:00Z\n", b"[compare.x]\n", b"[[compare]]\n", b'"" = 1\n',
    b"bits = " + b"[" * 2000, b"bits = " + b"[" * 50 + b"]" * 50, b"a." * 2000 + b"b = 1\n",
    b"\xef\xbb\xbf", b"epochs = 0x" + b"f" * 400 + b"\n", b"epochs = " + b"9" * 5000 + b"\n",
]  # fmt: skip


def _toml(tree: Any) -> bytes:
    """Return tables as TOML, or as something like it."""
    if not isinstance(tree, dict):
        return f"x = {_toml_value(tree)}\n".encode("utf-8", "replace")
    rows: list[str] = []
    for name, table in tree.items():
        if isinstance(table, dict):
            rows.append(f"[{_toml_key(name)}]")
            rows += [f"{_toml_key(key)} = {_toml_value(value)}" for key, value in table.items()]
        else:
            rows.insert(0, f"{_toml_key(name)} = {_toml_value(table)}")
    return "\n".join(rows).encode("utf-8", "replace")


def _toml_key(key: str) -> str:
    return key if key.isidentifier() else json.dumps(key)


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml_key(k)} = {_toml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value) if value is not None else "nan"


# A result without its checksum may be of an older version: it is read, and the report says so.
UNSEALED = "a result has no checksum, which is told"


class Stores(Target):
    """Folders of comparisons: `Comparison.load`, the table, and the rows of its CSV."""

    name = "store"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.store = folder / "store"
        with ThreadPoolExecutor(1) as thread:
            qnn.compare(
                net, data, weights=["symmetric:2", "binary"], seeds=2, epochs=1, batch_size=32,
                executor=thread, store=self.store, progress=False,
            )  # fmt: skip
        self.places = sorted(
            str(path.relative_to(self.store)) for path in self.store.rglob("*") if path.is_file()
        )
        self.files = [(self.store / place).read_bytes() for place in self.places]
        self.answer = self._answer()

    def honest(self) -> list[Case]:
        return [Case(file, place) for place, file in zip(self.places, self.files, strict=True)]

    def make(self, rng: Random) -> Case:
        of = rng.randrange(len(self.files))
        content = self.files[of]
        if rng.random() < 0.5:
            content = damaged(rng, content, self.files)
        else:
            try:
                content = as_json(rng, changed(rng, json.loads(content)))
            except (ValueError, RecursionError):
                content = damaged(rng, content, self.files)
        return Case(content, self.places[of], of)

    def read(self, case: Case) -> str | None:
        place = self.store / case.place
        honest = place.read_bytes()
        try:
            place.write_bytes(case.content)
            answer = self._answer()
        finally:
            place.write_bytes(honest)
        if answer in (self.answer, UNSEALED):
            return None
        return f"another comparison: {Path(case.place).parts[0]}"

    def _answer(self) -> str:
        found = qnn.Comparison.load(self.store)
        if found.unsealed:
            return UNSEALED
        results = [
            (config, seed, sorted((k, repr(v)) for k, v in vars(result).items()))
            for (config, seed), result in sorted(found.results.items())
        ]
        return (
            f"{[str(config) for config in found.configs]} {found.seeds} {results} {found.sessions}"
        )


TARGETS: dict[str, Callable[[Path], Target]] = {
    "checkpoint": Checkpoints, "idx": Idx, "model": Models, "packed": Packed, "store": Stores,
    "study": Studies,
}  # fmt: skip
