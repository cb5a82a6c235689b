"""The command ``qnn``."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from tabulate import tabulate

from . import bench
from .errors import PluginError, QnnError
from .file_info import describe
from .registry import Scheme, registered


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (QnnError, OSError) as error:
        # One line, whatever the message holds.
        print(f"qnn: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qnn", description="Low-bit neural networks: what is installed, and what files hold."
    )
    parser.add_argument("--version", action="version", version=f"qnn-core {version('qnn-core')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    schemes = commands.add_parser(
        "schemes",
        help="list the installed quantization schemes",
        description="List every scheme that an installed distribution registers in the entry-point "
        "group qnn.quantizers, with the bit widths at which it has a meaning.",
    )
    schemes.set_defaults(run=_schemes)
    info = commands.add_parser(
        "info",
        help="show what a file holds",
        description="Show what is in a packed model (layers, bits, multiply-accumulates, bytes) or "
        "in a checkpoint.",
    )
    info.add_argument("file", help="a file that PackedModel.save or fit wrote")
    info.set_defaults(run=_info)
    _add_bench(commands.add_parser)
    return parser


def _add_bench(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    parser = add_parser(
        "bench",
        help="time the kernels of this machine beside np.matmul",
        description="Time each kernel path and kind of product on this machine beside np.matmul of "
        "float32, in turns; takes up to a minute.",
    )
    parser.add_argument("--threads", type=int, default=1, help="of both sides (default: 1)")
    parser.add_argument("--paths", nargs="+", metavar="PATH", help="kernel paths (default: all)")
    parser.add_argument("--quick", action="store_true", help="few rounds of small shapes")
    parser.add_argument("--json", metavar="FILE", help="also write the numbers to this file")
    parser.set_defaults(run=_bench)


def _bench(options: argparse.Namespace) -> int:
    """Time products and print them."""
    bench.limit_blas(options.threads)
    about = bench.machine(options.threads)
    print(bench.described(about), flush=True)
    rows = bench.bench(options.paths, threads=options.threads, quick=options.quick)
    print(f"\nmedians in turns, threads: {options.threads}\n\n{bench.table(rows)}")
    if options.json:
        bench.write(options.json, about, results=rows)
    return 0


def _info(options: argparse.Namespace) -> int:
    """Print what a file holds."""
    print(describe(options.file))
    return 0


def _schemes(_: argparse.Namespace) -> int:
    """Print every registered scheme; those that cannot be used with the reason, and exit 1."""
    rows, problems = [], []
    claims = [entry.name for entry in registered()]
    for entry in registered():
        try:
            if claims.count(entry.name) > 1:
                raise PluginError(f"the name {entry.name!r} is registered more than once")
            rows.append(_row(entry))
        except PluginError as error:
            rows.append([entry.name, "unusable", "", entry.distribution, entry.version])
            problems.append(f"{entry.distribution}: {error}")
    headers = ["scheme", "bits", "levels", "distribution", "version"]
    print(tabulate(rows, headers=headers, disable_numparse=True))
    if not rows:
        print("no schemes: pip install qnn-quantizers brings uniform, symmetric, binary, ...")
    for problem in problems:
        print(f"\n{problem}", file=sys.stderr)
    return 1 if problems else 0


def _row(entry: Scheme) -> list[str]:
    found = entry.bits()
    levels = sorted(found.values())
    return [
        entry.name,
        _span(sorted(found)),
        _span(levels) if len(levels) == 1 else f"{levels[0]} to {levels[-1]}",
        entry.distribution,
        entry.version,
    ]


def _span(numbers: list[int]) -> str:
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(str(n) for n in numbers)
