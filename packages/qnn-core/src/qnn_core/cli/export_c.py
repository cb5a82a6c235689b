"""A packed model as C: for ``qnn export-c``."""

import argparse
import os
import re
import shlex
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ..deploy import load
from ..deploy.c import PROCESSORS, CExport, CSummary, InputKind, Optimize, Target, Transform
from ..deploy.c.host import compiler
from ..deploy.c.lower import Floats
from ..errors import FileError, SpecError
from ..terminal import add_json

RAW = np.float32

# Inputs that are counted on a board.
MEASURED = 3


def add_export_c(
    add_parser: Callable[..., argparse.ArgumentParser], limit: Callable[[str], float]
) -> None:
    """Add the command to a parser's commands.

    Args:
        add_parser: of the commands.
        limit: reads a number above 0.
    """
    parser = add_parser(
        "export-c",
        help="write a packed model as C99 for microcontrollers, proved equal to it",
        description="Write a packed model as C99 that needs stdint.h and nothing else, with a "
        "self-test and files for CMake, Arduino, PlatformIO and Zephyr. Every decision is compared "
        "with the packed model for all integers that can occur, and the C is run beside it on this "
        "machine, or nothing is written.",
    )
    parser.add_argument("file", help="a file that PackedModel.save wrote")
    parser.add_argument(
        "-o", "--out", required=True, metavar="FOLDER", help="where the files go; made if need be"
    )
    parser.add_argument(
        "--name", help="of the net: functions begin with it (default: the file's name)"
    )
    _add_input(parser)
    parser.add_argument(
        "--float",
        choices=get_args(Floats),
        default="never",
        help="what may stay float: nothing, what comes behind the last codes, or all "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--target",
        choices=get_args(Target),
        default="any",
        help="the processor that kernels are chosen for (default: %(default)s)",
    )
    parser.add_argument(
        "--optimize", choices=get_args(Optimize), default="speed", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--samples",
        metavar="FILE.npy",
        help="inputs as the C takes them, to compare both on; the first are in the self-test",
    )
    parser.add_argument(
        "--vectors",
        type=_whole,
        default=8,
        metavar="N",
        help="inputs of the self-test (default: %(default)s)",
    )
    parser.add_argument(
        "--board",
        choices=tuple(PROCESSORS),
        metavar="TARGET",
        help="then build it for an emulated board and run its self-test there: "
        f"{', '.join(PROCESSORS)}",
    )
    parser.add_argument(
        "--limit",
        type=limit,
        default=1.0,
        metavar="TIMES",
        help="allow the file so many times the usual time and memory, as in qnn info (default: 1)",
    )
    add_json(parser)
    parser.set_defaults(run=_export_c)


def _add_input(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "what the C is given", "Pixels as they come, once it is said what training did to them."
    )
    group.add_argument(
        "--input",
        choices=get_args(InputKind),
        default="uint8",
        help="pixels, or the numbers that the packed model takes (default: %(default)s)",
    )
    group.add_argument("--mean", type=float, help="(pixel / 255 - mean) / std was trained on")
    group.add_argument("--std", type=float, help="see --mean")
    group.add_argument(
        "--transform",
        metavar="MODULE:FUNCTION",
        help="the function of uint8 arrays that was trained on; modules in this folder too",
    )
    group.add_argument(
        "--raw", action="store_true", help="the pixels were trained on as they are, 0 to 255"
    )


def _export_c(options: argparse.Namespace) -> int:
    """Write a model as C; exit 1 if its self-test fails on the board."""
    boards = None if options.board is None else _boards(options.board)
    name = _name(options.file) if options.name is None else options.name
    exported = load(options.file, limit=options.limit).export_c(
        options.out,
        name=name,
        input=options.input,
        transform=_transform(options),
        float=options.float,
        target=options.target,
        optimize=options.optimize,
        samples=None if options.samples is None else samples_in(options.samples),
        vectors=options.vectors,
    )
    options.answer = _record(exported)
    print(exported)
    if boards is not None:
        return _on_board(boards, exported, options)
    print(f"\nnext: {_next(exported)}")
    return 0


def _record(exported: CExport) -> dict[str, Any]:
    summary = exported.summary
    return {
        "folder": exported.folder,
        "files": exported.files,
        "name": exported.name,
        "samples": exported.samples,
        "checked": exported.checked,
        "notes": exported.notes,
        "cost": cost_record(summary),
        "next": _next(exported),
    }


def cost_record(summary: CSummary) -> dict[str, Any]:
    """Return what a net costs as C, by target."""
    return {
        "macs": summary.macs,
        "targets": {
            name: {"flash": flash, "ram": summary.ram(name), "cycles": summary.cycles.get(name)}
            for name, flash in summary.flash.items()
        },
    }


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def _name(file: str) -> str:
    """Return a name in C made of a file's.

    Example:
        >>> _name("runs/my digits-4.qnn"), _name("2-bit.qnn")
        ('my_digits_4', 'net_2_bit')
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", Path(file).stem).strip("_")[:50]
    return name if name[:1].isalpha() else f"net_{name}".rstrip("_")


def _transform(options: argparse.Namespace) -> Transform:
    """Return what training did to pixels; None if the C is given numbers.

    Raises:
        SpecError: if that is not said, or twice.
    """
    mean_std = options.mean is not None or options.std is not None
    ways = [mean_std, options.transform is not None, options.raw]
    if options.input != "uint8":
        if any(ways):
            raise SpecError(
                "--mean, --std, --transform and --raw are for pixels, not for --input float32"
            )
        return None
    if sum(ways) != 1 or (mean_std and None in (options.mean, options.std)):
        raise SpecError(
            "say in one way what was done to the pixels before training: --mean M --std S for "
            "(pixel / 255 - M) / S, --transform MODULE:FUNCTION for a function of uint8 arrays, or "
            "--raw for nothing; or let the C take the model's own numbers by --input float32"
        )
    if options.raw:
        return RAW
    return (options.mean, options.std) if mean_std else function_named(options.transform)


def function_named(text: str) -> Callable[[Any], Any]:
    """Return the function ``MODULE:FUNCTION``; modules in this folder too.

    Raises:
        SpecError: if there is none.
    """
    module_name, _, path = text.partition(":")
    # As ``python -m`` does: a module in the folder where one is can be used.
    sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as error:  # whatever a module of somebody else's raises
        raise SpecError(
            f"--transform {text}: MODULE:FUNCTION is needed: {type(error).__name__}: {error}"
        ) from error
    if not callable(found):
        raise SpecError(f"--transform {text}: it is no function but {type(found).__name__}")
    function: Callable[[Any], Any] = found
    return function


def samples_in(file: str) -> NDArray[Any]:
    """Return the array of a .npy file.

    Raises:
        FileError: if it is none.
    """
    try:
        samples = np.load(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise FileError(f"--samples {file}: it is no .npy file of numbers: {error}") from error
    if not isinstance(samples, np.ndarray):
        raise FileError(f"--samples {file}: one array is needed, as numpy.save writes it")
    return samples


def _next(exported: CExport) -> str:
    """Return the command that compiles the self-test here and runs it."""
    at, name = exported.folder, exported.name
    files = [str(at / f"{name}.c"), str(at / f"{name}_test.c")]
    program = str(at.absolute() / f"{name}_test") if at.is_absolute() else f"./{at}/{name}_test"
    command = [*(compiler() or "cc").split(), "-std=c99", "-O2", f"-D{name.upper()}_TEST_MAIN"]
    return f"{shlex.join([*command, *files, '-o', program])} && {shlex.join([program])}"


def _boards(target: str) -> ModuleType:
    """Return what emulates boards, once all is there that this one needs.

    Raises:
        SpecError: if something is missing; the message says what installs it.
    """
    try:
        boards = import_module("qnn_core.boards")
    except ModuleNotFoundError as error:
        raise SpecError(f"--board {target}: this qnn-core emulates no boards: {error}") from error
    missing = boards.missing_tools(boards.find_target(target))
    if missing:
        raise SpecError(f"--board {target}: {'; '.join(missing)}")
    return boards


def _on_board(boards: ModuleType, exported: CExport, options: argparse.Namespace) -> int:
    """Run the self-test in an emulator, print how it went and what it costs; return the status."""
    folder, name, target = exported.folder, exported.name, options.board
    failed = boards.selftest(folder, target, name=name)
    told = {"target": target, "self-test": f"vector {failed} differs" if failed else "passed"}
    options.answer["board"] = told
    print(f"\n{boards.find_target(target).about}, emulated:")
    if failed:
        print(f"self-test FAILED at input {failed}")
        return 1
    print("self-test passed")
    header = (folder / f"{name}.h").read_text(encoding="utf-8")
    if f"{name}_predict(" in header and f"{name}_sums(" in header:
        kind = np.uint8 if exported.plan.input.kind == "pixels" else np.float32
        rng = np.random.default_rng(0)
        inputs = rng.integers(0, 128, (MEASURED, exported.plan.input.size)).astype(kind)
        found = boards.measure(folder, target, inputs, name=name)
        told |= {"flash": found.flash, "ram": found.ram, "cycles": float(found.cycles.mean())}
        print(_measured(found))
    return 0


def _measured(found: Any) -> str:
    """Return what was measured on a board in a line."""
    counted = ""
    if found.instructions is not None:
        counted = f"{found.instructions.mean():,.0f} instructions, "
    return (
        f"{found.flash:,} bytes of flash, {found.ram:,} of RAM, {counted}"
        f"{found.cycles.mean():,.0f} cycles"
    )


def costs_as_c(summary: CSummary) -> str:
    """Return what a net costs as C in a line."""
    target = "m0"
    return (
        f"{summary.flash[target]:,} bytes of flash, {summary.ram(target):,} of RAM, "
        f"{summary.cycles[target] / 1e6:,.2f} million cycles on {PROCESSORS[target].title}, "
        "modelled"
    )
