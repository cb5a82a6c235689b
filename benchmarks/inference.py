"""Time products and whole packed models beside NumPy and, where installed, other libraries.

    nox -s bench_inference -- [--threads N] [--only NAME] [--json FILE] [--paths PATH ...]

Everything is run again for each kernel of OpenBLAS that NumPy may use: the one that it takes by
itself ("as shipped": no OPENBLAS_ variable is set) and, if the processor has the instructions, its
AVX2 and its AVX-512 kernel. Each ratio is one of medians in turns in one process.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
from _peers import installed
from numpy.typing import NDArray
from qnn_core.cli import bench
from qnn_core.files import atomic_write
from qnn_core.gemm import cpu
from tabulate import tabulate
from threadpoolctl import threadpool_limits

Array = NDArray[Any]

SHIPPED = "as shipped"
PARTS = ("products", "peers", "models")
SIZES = (784, 1024, 1024, 10)
BATCHES = (1, 100, 10_000)


def main() -> None:
    options = _parser().parse_args()
    if options.child:
        report = measure(options)
        atomic_write(options.child, json.dumps(report, allow_nan=False).encode())
        return
    reports = {name: in_child(setting) for name, setting in baselines().items()}
    if options.json:
        text = json.dumps(reports, indent=1, allow_nan=False) + "\n"
        atomic_write(options.json, text.encode())
    show(reports)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=1, help="of all sides (default: 1)")
    parser.add_argument("--only", choices=PARTS, help="one part (default: all)")
    parser.add_argument("--paths", nargs="+", help="kernel paths (default: the one in use)")
    parser.add_argument("--rounds", type=int, default=bench.ROUNDS, help="turns of each")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--no-peers", action="store_true", help="without other libraries")
    return parser


def baselines() -> dict[str, dict[str, str]]:
    """Return what is set in the environment of each run."""
    found: dict[str, dict[str, str]] = {SHIPPED: {}}
    if "avx2" in cpu.paths():
        found["AVX2 kernel"] = {"OPENBLAS_CORETYPE": "Haswell"}
    if "avx512" in cpu.paths():
        found["AVX-512 kernel"] = {"OPENBLAS_CORETYPE": "SkylakeX"}
    return found


def in_child(setting: Mapping[str, str]) -> dict[str, Any]:
    """Return the report of a run of this file with no other settings of OpenBLAS."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        # Other libraries have nothing to do with the kernel of OpenBLAS.
        extra = ["--no-peers"] if setting else []
        command = [sys.executable, __file__, *sys.argv[1:], *extra, "--child", str(file)]
        subprocess.run(command, env={**env, **setting}, check=True)
        report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return report


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the numbers of one run."""
    parts = [options.only] if options.only else PARTS
    report: dict[str, Any] = {
        "machine": bench.machine(options.threads) | {"path in use": cpu.active()},
        "products": [],
        "models": [],
        "missing": {},
    }
    if "products" in parts or "peers" in parts:
        report["products"], report["missing"] = products(options, "peers" in parts)
    if "models" in parts:
        report["models"] = models(options.threads, options.rounds)
    return report


def products(
    options: argparse.Namespace, with_peers: bool
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the rows of all shapes, and why some libraries are not among them."""
    rows: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    for shape in bench.SHAPES:
        large = int(np.prod(shape)) > bench.LARGE
        others: dict[str, bench.Way] = {}
        if with_peers and not options.no_peers and not large:
            others, missing = installed(shape, options.threads)
        rows += bench.measure(
            shape,
            options.paths or [cpu.active()],
            threads=options.threads,
            cases=bench.CASES[:1] if large else bench.CASES,
            rounds=options.rounds,
            others=others,
        )
    return rows, missing


def models(threads: int, rounds: int) -> list[dict[str, Any]]:
    """Return a row for each batch size: the packed binary net, and the float one in NumPy."""
    rng = np.random.default_rng(0)
    model = binary_net(rng.standard_normal((1000, SIZES[0]), np.float32))
    packed = qnn.pack(model, rng.standard_normal((4, SIZES[0]), np.float32))
    floats = FloatNet(model)
    before = qnn.get_num_threads()
    qnn.set_num_threads(threads)
    with threadpool_limits(threads):
        rows = [model_row(model, packed, floats, batch, rounds) for batch in BATCHES]
    qnn.set_num_threads(before)
    return rows


def model_row(
    model: qnn.MLP, packed: qnn.PackedModel, floats: "FloatNet", batch: int, rounds: int
) -> dict[str, Any]:
    """Return the times of a batch, after a check that packing changed nothing."""
    x = np.random.default_rng(1).standard_normal((batch, SIZES[0]), np.float32)
    difference = float(np.abs(packed(x) - model(qnn.Tensor(x)).data).max())
    if difference:
        raise ArithmeticError(f"the packed model and the model differ by {difference}")
    ways: dict[str, bench.Way] = {"packed": partial(packed, x), "numpy": partial(floats, x)}
    seconds = bench.take_turns(ways, rounds)
    return {
        "batch": batch,
        "packed_us": seconds["packed"] * 1e6,
        "numpy_us": seconds["numpy"] * 1e6,
        "times_numpy": seconds["numpy"] / seconds["packed"],
        "difference": difference,
    }


def binary_net(x: Array) -> qnn.MLP:
    """Return a net of binary layers only, its qparams and statistics fitted to `x`."""
    model = qnn.MLP(
        SIZES,
        weight="binary",
        input="binary",
        last_weight="binary",
        last_input="binary",
        activation="hardtanh",
        batch_norm=True,
        seed=0,
    )
    model.train()
    model(qnn.Tensor(x))
    model.eval()
    return model


class FloatNet:
    """The same net in float32, by hand in NumPy, its batch normalization folded."""

    def __init__(self, model: qnn.MLP) -> None:
        linear = [m for m in model if isinstance(m, qnn.nn.Linear)]
        norms = [m for m in model if isinstance(m, qnn.nn.BatchNorm)]
        self.layers = []
        for layer, norm in zip(linear, [*norms, None], strict=True):
            w: Array = layer.weight.data
            b: Array = np.zeros(len(w), np.float32)
            if layer.bias is not None:
                b = b + layer.bias.data
            if norm is not None:
                spread = np.sqrt(norm.running_variance.data + np.float32(norm.eps))
                factor = norm.weight.data / spread
                w = w * factor[:, None]
                b = (b - norm.running_mean.data) * factor + norm.bias.data
            self.layers.append((w, b))

    def __call__(self, x: Array) -> Array:
        """Return the outputs."""
        for number, (w, b) in enumerate(self.layers):
            x = x @ w.T
            x += b
            if number < len(self.layers) - 1:
                np.clip(x, -1, 1, out=x)
        return x


def show(reports: Mapping[str, dict[str, Any]]) -> None:
    """Print the tables."""
    first = reports[SHIPPED]
    print(bench.described(first["machine"]))
    print("\n".join(f"{name}: {r['machine']['BLAS']}" for name, r in reports.items()))
    for name, reason in first["missing"].items():
        print(f"{name}: {reason}")
    if first["products"]:
        print("\nproducts, medians in turns; x = times as fast as np.matmul of float32\n")
        print(product_table(reports))
    if first["models"]:
        print(f"\nwhole net {'-'.join(map(str, SIZES))}, all layers W1A1, float32 in and out\n")
        print(model_table(reports))


def product_table(reports: Mapping[str, dict[str, Any]]) -> str:
    """Return a line for each product; the ratios are those of each run."""
    keys = ("path", "kernel", "us", "gmacs", "from_codes_us")
    lines = []
    for row in reports[SHIPPED]["products"]:
        ratios = [
            next((r["times_matmul"] for r in report["products"] if same(r, row)), None)
            for report in reports.values()
        ]
        slower = "SLOWER" if any(r is not None and r < 1 for r in ratios) else ""
        name = " x ".join(map(str, row["shape"]))
        cells = [row.get(key) for key in keys]
        lines.append([name, row["product"], *cells, *ratios, slower])
    headers = ["shape", "product", "path", "kernel", "us", "GMAC/s", "from codes, us"]
    headers += [f"x {name}" for name in reports]
    formats = ("", "", "", "", ".1f", ".0f", ".1f", *[".2f"] * len(reports), "")
    return tabulate(lines, headers=[*headers, ""], floatfmt=formats)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two rows are of the same product."""
    return all(one[key] == other[key] for key in ("shape", "path", "product"))


def model_table(reports: Mapping[str, dict[str, Any]]) -> str:
    """Return a line for each batch size and baseline."""
    lines = [
        [row["batch"], name, row["packed_us"], row["numpy_us"], row["times_numpy"]]
        for name, report in reports.items()
        for row in report["models"]
    ]
    headers = ["batch", "NumPy", "packed, us", "float NumPy, us", "x"]
    return tabulate(lines, headers=headers, floatfmt=("", "", ".1f", ".1f", ".1f"))


if __name__ == "__main__":
    main()
