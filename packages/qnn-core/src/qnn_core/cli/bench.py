"""Times of products on this machine, each beside `np.matmul`: for ``qnn bench``."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import groupby, repeat
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate
from tqdm import tqdm

from .._kernels import engine
from ..files import atomic_write
from ..gemm import VALUES, GemmOperand, Prepacked, cpu, prepack, quantized_operand
from ..gemm.gemm import nanoseconds
from ..gemm.layouts import aligned, row_bytes
from ..machine import limited_threads
from ..machine.processor import cores, processor
from ..machine.threads import threads_for

try:
    import threadpoolctl
except ImportError:  # it only tells more about the BLAS
    threadpoolctl = None

Array = NDArray[Any]
Way = Callable[[], object]
Key = TypeVar("Key")

# Rows of the input, length of the sum, columns.
Shape = tuple[int, int, int]

SHAPES: tuple[Shape, ...] = (
    (1, 784, 1000),
    (100, 784, 1000),
    (1, 4096, 4096),
    (128, 4096, 4096),
    (1024, 4096, 4096),
)
QUICK_SHAPES = SHAPES[:2]
ROUNDS = 15
QUICK_ROUNDS = 3

# Multiply-accumulates from which on plain C takes too long; above it, only W1A1 is timed.
LARGE = 2**31

# Seconds that a way is called for at each of its turns, if one call does not take longer.
TURN = 2e-4


@dataclass(frozen=True)
class Case:
    """What is multiplied.

    Attributes:
        name: as in the table.
        w_levels: of the weights' codes, None for floats.
        x_levels: of the inputs' codes, None for floats.
    """

    name: str
    w_levels: tuple[int, ...] | None
    x_levels: tuple[int, ...] | None


def _powers(largest: int) -> tuple[int, ...]:
    """Return 0 and the powers of two up to 2**largest, of both signs."""
    positive = [2**n for n in range(largest + 1)]
    return (*(-p for p in reversed(positive)), 0, *positive)


SIGNS = (-1, 1)
CASES = (
    Case("W1A1", SIGNS, SIGNS),
    Case("ternary x binary", (-1, 0, 1), SIGNS),
    Case("W1A2", SIGNS, tuple(range(4))),
    Case("W2A2", tuple(range(-2, 2)), tuple(range(4))),
    Case("W1A4", SIGNS, tuple(range(16))),
    Case("W4A4", tuple(range(-8, 8)), tuple(range(16))),
    Case("W8A8", tuple(range(-128, 128)), tuple(range(256))),
    Case("logarithmic W4A4", _powers(6), _powers(6)),
    Case("wide logarithmic", _powers(8), _powers(8)),
    Case("W4, float input", tuple(range(-8, 8)), None),
    Case("float32", None, None),
)


@dataclass(frozen=True, eq=False)
class Numbers:
    """Random numbers for the products of one shape."""

    x_bytes: NDArray[np.uint8]
    w_bytes: NDArray[np.uint8]
    x_floats: NDArray[np.float32]
    w_floats: NDArray[np.float32]

    @classmethod
    def of(cls, shape: Shape) -> "Numbers":
        """Return numbers for a shape, the same ones each time."""
        (m, k, n), rng = shape, np.random.default_rng(0)
        x_bytes, w_bytes = (rng.integers(0, 256, (rows, k), np.uint8) for rows in (m, n))
        # Any floats would do.
        x_floats, w_floats = (b.astype(np.float32) - 127.5 for b in (x_bytes, w_bytes))
        return cls(x_bytes, w_bytes, x_floats, w_floats)

    def matmul(self) -> Way:
        """Return the float32 product of NumPy."""
        y = np.empty((len(self.x_floats), len(self.w_floats)), np.float32)
        return partial(np.matmul, self.x_floats, self.w_floats.T, out=y)


@dataclass(frozen=True, eq=False)
class Product:
    """A product on the engine that is ready to run on some path.

    Attributes:
        kernel: its name.
        multiply: makes the product of elements that are laid out already, or of floats.
        from_codes: lays out codes, a byte each, first; the same for floats.
    """

    kernel: str
    multiply: Way
    from_codes: Way

    @classmethod
    def of(cls, case: Case, numbers: Numbers, path: str) -> "Product":
        """Return a product on a path, its weights prepacked."""
        x, x_operand = _side(case.x_levels, numbers.x_bytes, numbers.x_floats)
        w, w_operand = _side(case.w_levels, numbers.w_bytes, numbers.w_floats)
        with cpu.using(path):
            prepacked = prepack(w, None, x_operand, w_operand)
            if prepacked.form == "float":
                values = x if x_operand.levels is None else x_operand.elements(x)
                way = _from_elements(values, prepacked, x.shape[1])
                return cls(prepacked.kind, way, way)
            elements = _laid_out(x, prepacked)
            multiply = _from_elements(elements, prepacked, x.shape[1])
            return cls(prepacked.kind, multiply, _from_codes(x, prepacked))


def _side(
    levels: tuple[int, ...] | None, numbers: NDArray[np.uint8], floats: NDArray[np.float32]
) -> tuple[Array, GemmOperand]:
    """Return codes or floats, and what they mean."""
    if levels is None:
        return floats, VALUES
    one, zero = np.ones((), np.float32), np.zeros((), np.float32)
    found = quantized_operand(np.array(levels, np.float32), one, zero, along_reduction=False)
    return (numbers % len(levels) if len(levels) < 256 else numbers), found


def _layout(prepacked: Prepacked) -> engine.Requantizer:
    return engine.Requantizer(
        format=prepacked.form, bits=prepacked.bits, count=0, elements=prepacked.elements
    )


def _laid_out(codes: NDArray[np.uint8], prepacked: Prepacked) -> Array:
    """Return the elements of codes."""
    m, k = codes.shape
    rows = aligned((m, row_bytes(prepacked.form, k, prepacked.bits)), np.uint8)
    program = engine.Program(cpu.active_index(), [k, rows.shape[1]], 1)
    program.layout(0, 1, k, _layout(prepacked))
    program.run(codes, rows, 0, m)
    return rows


def _from_elements(elements: Array, prepacked: Prepacked, k: int) -> Way:
    stride = elements.shape[1] * elements.itemsize
    program = engine.Program(cpu.active_index(), [stride, 4 * prepacked.n], 1)
    program.product(0, 1, prepacked.weights, "float")
    return _way(program, elements, prepacked, k)


def _from_codes(codes: NDArray[np.uint8], prepacked: Prepacked) -> Way:
    k = codes.shape[1]
    strides = [k, 4 * prepacked.n, row_bytes(prepacked.form, k, prepacked.bits)]
    program = engine.Program(cpu.active_index(), strides, 2)
    program.layout(0, 2, k, _layout(prepacked))
    program.product(2, 1, prepacked.weights, "float")
    return _way(program, codes, prepacked, k)


def _way(program: engine.Program, x: Array, prepacked: Prepacked, k: int) -> Way:
    m = len(x)
    y = aligned((m, prepacked.n), np.float32)
    work = nanoseconds(prepacked, m, k)
    return partial(program.run, x, y, 0, m, threads_for(work))


def take_turns(
    ways: Mapping[Key, Way], rounds: int, rarely: Collection[Key] = ()
) -> dict[Key, float]:
    """Return the median seconds of a call of each way.

    They take turns, so that a machine that is slow for a while is slow to all of them. A way that
    is fast is called again and again at its turn, once before the clock starts: its data are in
    the cache if they fit there.

    Args:
        ways: what to call, by name.
        rounds: in which each has its turn.
        rarely: those whose turn comes in every third round only.
    """
    counts = {key: _count(way) for key, way in ways.items()}
    times: dict[Key, list[float]] = {key: [] for key in ways}
    for number in range(rounds):
        for key, way in ways.items():
            if number % 3 == 0 or key not in rarely:
                times[key].append(_seconds(way, counts[key]))
    return {key: median(found) for key, found in times.items()}


def _count(way: Way) -> int:
    """Return how many calls make a turn."""
    way()
    return max(1, round(TURN / max(_seconds(way, 1), 1e-7)))


def _seconds(way: Way, count: int) -> float:
    if count > 1:
        way()
    began = time.perf_counter()
    for _ in repeat(None, count):
        way()
    return (time.perf_counter() - began) / count


def measure(
    shape: Shape,
    paths: Sequence[str],
    *,
    threads: int = 1,
    cases: Sequence[Case] = CASES,
    rounds: int = ROUNDS,
    others: Mapping[str, Way] | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each path and product of a shape, and one for each of `others`.

    Args:
        shape: rows of the input, length of the sum, columns.
        paths: of the kernels.
        threads: of the kernels, and of NumPy's BLAS if that can be told.
        cases: what to multiply.
        rounds: number of turns; the path ``base`` has a third of them.
        others: what is timed beside them, by name; no path and no kernel is given for these.

    Raises:
        SpecError: if there is no such path, or `threads` is no number of threads.
    """
    numbers, others = Numbers.of(shape), others or {}
    with _threads(threads):
        products = {(p, c.name): Product.of(c, numbers, p) for p in paths for c in cases}
        ways: dict[tuple[str, ...], Way] = {("matmul",): numbers.matmul()}
        for at, product in products.items():
            ways |= {("codes", *at): product.from_codes, ("elements", *at): product.multiply}
        ways |= {("other", name): way for name, way in others.items()}
        seconds = take_turns(ways, rounds, {key for key in ways if "base" in key})
    about = {"shape": list(shape), "threads": threads, "rounds": rounds}
    about["matmul_us"] = seconds["matmul",] * 1e6
    rows = [_row(about, "", name, "", seconds["other", name]) for name in others]
    return [
        _row(about, path, name, product.kernel, seconds["elements", path, name])
        | {"from_codes_us": seconds["codes", path, name] * 1e6}
        for (path, name), product in products.items()
    ] + rows


def _row(
    about: dict[str, Any], path: str, product: str, kernel: str, seconds: float
) -> dict[str, Any]:
    m, k, n = about["shape"]
    ratio = about["matmul_us"] / (seconds * 1e6)
    return {
        "path": path,
        "product": product,
        "kernel": kernel,
        **about,
        "us": seconds * 1e6,
        "gmacs": m * k * n / seconds / 1e9,
        "matmul_gmacs": m * k * n / about["matmul_us"] / 1e3,
        "times_matmul": ratio,
        "slower": ratio < 1,
    }


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Give our kernels, and the BLAS if that can be told, this number of threads."""
    limited = None if threadpoolctl is None else threadpoolctl.threadpool_limits(count)
    try:
        with limited_threads(count):
            yield
    finally:
        if limited is not None:
            limited.restore_original_limits()


def bench(
    paths: Sequence[str] | None = None, *, threads: int = 1, quick: bool = False
) -> list[dict[str, Any]]:
    """Return the rows of all shapes that the machine does in good time; see `measure`.

    Args:
        paths: of the kernels; all that this processor can run if None.
        threads: of the kernels, and of NumPy's BLAS if that can be told.
        quick: a few rounds of the small shapes only.
    """
    rows = []
    for shape in tqdm(QUICK_SHAPES if quick else SHAPES, desc="shapes", disable=None, leave=False):
        size = int(np.prod(shape))
        chosen = [p for p in paths or cpu.paths() if size < LARGE or p != "base"]
        cases = [c for c in CASES if size <= LARGE or c.w_levels == c.x_levels == SIGNS]
        if chosen:
            rounds = QUICK_ROUNDS if quick else ROUNDS
            rows += measure(shape, chosen, threads=threads, cases=cases, rounds=rounds)
    return rows


def machine(threads: int = 1) -> dict[str, Any]:
    """Return what the times depend on: processor, paths, versions, BLAS, settings."""
    prefixes = ("OPENBLAS_", "OMP_", "MKL_", "QNN_")
    return {
        "processor": processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "qnn-core": version("qnn-core"),
        "kernel paths": list(cpu.paths()),
        "BLAS": blas(),
        "BLAS threads": _blas_threads(threads),
        "settings": {k: v for k, v in sorted(os.environ.items()) if k.startswith(prefixes)},
    }


def blas() -> str:
    """Return the name, version and, if threadpoolctl is installed, kernel of NumPy's BLAS."""
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    name = f"{built.get('name')} {built.get('version')}"
    if threadpoolctl is None:
        return f"{name} (its kernel is not known: threadpoolctl is not installed)"
    found = [i for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas"]
    return ", ".join([name, *(f"kernel {i.get('architecture', 'unknown')}" for i in found[:1])])


def _blas_threads(threads: int) -> str:
    if threadpoolctl is not None:
        return str(threads)
    limits = (os.environ.get(f"{library}_NUM_THREADS") for library in ("OPENBLAS", "MKL", "OMP"))
    most = next(filter(None, limits), cores())
    return f"up to {most} (threadpoolctl, which could tell it otherwise, is not installed)"


def limit_blas(threads: int, *, as_json: bool = False) -> Any:
    """Start this program again with that many BLAS threads, if nothing can tell BLAS while it runs.

    Threads that wait for each other on busy cores would make NumPy look hundreds of times slower.

    Returns:
        None if there is no need; with `as_json` the answer of the program that was started.
        Otherwise this program ends as that did.
    """
    limits = {f"{name}_NUM_THREADS": str(threads) for name in ("OPENBLAS", "MKL", "OMP")}
    if threadpoolctl is None and any(os.environ.get(k) != v for k, v in limits.items()):
        run = "import sys; from qnn_core.cli import main; sys.exit(main(sys.argv[1:]))"
        command, out = (
            [sys.executable, "-c", run, *sys.argv[1:]],
            subprocess.PIPE if as_json else None,
        )
        done = subprocess.run(command, env={**os.environ, **limits}, stdout=out, check=False)
        if as_json and done.returncode == 0:
            return json.loads(done.stdout)
        raise SystemExit(done.returncode)
    return None


def described(about: Mapping[str, Any]) -> str:
    """Return what `machine` found, a line for each fact."""
    return "\n".join(f"{key}: {_fact(value)}" for key, value in about.items())


def _fact(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items()) or "none"
    return ", ".join(value) if isinstance(value, list) else str(value)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as text, a table for each shape; what is slower than NumPy says so."""
    headers = ["path", "product", "kernel", "us", "GMAC/s", "from codes, us", "x np.matmul", ""]
    formats = ("", "", "", ".1f", ".0f", ".1f", ".2f", "")
    parts = []
    for shape, group in groupby(rows, key=lambda row: row["shape"]):
        found = list(group)
        cells = [_cells(row) for row in found]
        first = found[0]
        title = (
            f"{' x '.join(map(str, shape))}: np.matmul of float32 takes {first['matmul_us']:.1f} "
            f"us, {first['matmul_gmacs']:.1f} GMAC/s"
        )
        parts.append(f"{title}\n\n{tabulate(cells, headers=headers, floatfmt=formats)}")
    return "\n\n".join(parts)


def _cells(row: Mapping[str, Any]) -> list[Any]:
    keys = ("path", "product", "kernel", "us", "gmacs", "from_codes_us", "times_matmul")
    return [*(row.get(key) for key in keys), "SLOWER" if row["slower"] else ""]


def write(path: str | Path, about: Mapping[str, Any], **results: Any) -> None:
    """Write what was found to a file, as JSON."""
    text = json.dumps({"machine": about, **results}, indent=1, allow_nan=False)
    atomic_write(path, f"{text}\n".encode())
