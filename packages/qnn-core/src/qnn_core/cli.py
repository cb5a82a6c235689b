"""The command ``qnn``."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from tabulate import tabulate

from .errors import PluginError, QnnError
from .registry import Scheme, registered


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except QnnError as error:
        print(f"qnn: {error}", file=sys.stderr)
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
    return parser


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
