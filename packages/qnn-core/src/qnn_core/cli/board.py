"""A net as C on an emulated microcontroller: for ``qnn board``."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from ..boards import TARGETS, CNet, find_target, measure, missing_tools, selftest
from ..errors import FileError
from ..terminal import add_json, say

HEADERS = ("target", "self-test", "flash", "RAM", "of which stack", "instructions", "cycles")
ALIGNMENT = ["left", "left", *["right"] * (len(HEADERS) - 2)]


def add_board(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to a parser's commands."""
    parser = add_parser(
        "board",
        help="run a net that was exported as C on an emulated microcontroller",
        description="Build a net that was exported as C for a microcontroller, run its self-test "
        "in an emulator, and say its bytes of flash and RAM, its instructions and modelled cycles. "
        "Exit status: 0 all self-tests pass, 1 one does not, or a tool is missing.",
    )
    parser.add_argument("folder", help="with NAME.h, NAME.c and NAME_test.c")
    parser.add_argument("--name", help="of the net, where the folder has several")
    parser.add_argument(
        "--target",
        nargs="+",
        default=["m4"],
        choices=[*TARGETS, "all"],
        metavar="TARGET",
        help=f"{', '.join(TARGETS)}, or all for which the tools are there (default: m4)",
    )
    parser.add_argument(
        "--input", metavar="FILE.npy", help="inputs to count on (default: three random ones)"
    )
    parser.add_argument("--images", type=int, default=3, help="how many of them (default: 3)")
    parser.add_argument("-O", dest="level", choices="0123s", default="2", help="default: 2")
    add_json(parser)
    parser.set_defaults(run=_board)


def _board(options: argparse.Namespace) -> int:
    """Print a line for each target; exit 1 if a self-test fails."""
    net = CNet.find(options.folder, options.name)
    inputs = _inputs(net, options.input, options.images)
    targets = options.target
    if "all" in targets:
        missing = {name: missing_tools(target) for name, target in TARGETS.items()}
        targets = [name for name, reasons in missing.items() if not reasons]
        for name, reasons in missing.items():
            for reason in reasons:
                say(f"not measured: {name}: {reason}", sys.stderr)
    optimize = f"-O{options.level}"
    found = [_measured(net, name, inputs, optimize) for name in targets]
    passed = all(each["self-test"] == "passed" for each in found)
    options.answer = {"net": net.name, "built": optimize, "inputs": len(inputs), "targets": found}
    print(
        tabulate(
            [_cells(each) for each in found],
            headers=HEADERS,
            colalign=ALIGNMENT,
            disable_numparse=True,
        )
    )
    print(
        f"\nbytes; means of {len(inputs)} inputs; cycles are a model but for avr; built {optimize}"
    )
    for name in targets:
        print(f"{name}: {find_target(name).about}")
    return 0 if targets and passed else 1  # nothing that ran is nothing that passed


def _measured(net: CNet, target: str, inputs: NDArray[Any], optimize: str) -> dict[str, Any]:
    """Return what a net costs on a target, and whether its self-test passes there.

    Raises:
        MissingToolError: if a compiler or emulator is not installed.
        BoardError: if the code cannot be built or fails.
    """
    failed = selftest(net.folder, target, name=net.name, optimize=optimize)
    found = measure(net.folder, target, inputs, name=net.name, optimize=optimize)
    counts = found.instructions
    return {
        "target": target,
        "self-test": f"vector {failed} differs" if failed else "passed",
        "flash": found.flash,
        "RAM": found.ram,
        "of which stack": found.stack,
        "instructions": None if counts is None else float(counts.mean()),
        "cycles": float(found.cycles.mean()),
    }


def _cells(found: Mapping[str, Any]) -> list[str]:
    target, told, *numbers = (found[name] for name in HEADERS)
    return [target, told, *("" if number is None else f"{number:,.0f}" for number in numbers)]


def _inputs(net: CNet, file: str | None, count: int) -> NDArray[Any]:
    if file is None:
        rng = np.random.default_rng(0)
        return rng.integers(0, 128, (count, net.inputs)).astype(net.dtype)
    try:
        inputs = np.load(Path(file), allow_pickle=False)
    except ValueError as error:
        raise FileError(f"{file} is no .npy file of numbers: {error}") from error
    return net.check_inputs(inputs[:count])
