r"""Measure nets as C on emulated microcontrollers, beside what other projects' code takes there.

    python benchmarks/boards.py [FOLDER ...] [--ours fc cnn64 ...] [--bitnetmcu CHECKOUT] \
        [--cmsis-nn CHECKOUT]

A folder holds a net that was exported as C, or several; --ours are nets of the shapes that peers
publish, exported for each target (board_nets.py). Instructions are counted; cycles are a
model (docs/boards.md): compare them with each other only, in one table.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
from _boards_bitnetmcu import bitnetmcu
from _boards_cmsis_nn import cmsis_nn
from _boards_row import Row
from board_nets import NETS
from numpy.typing import NDArray
from qnn_core.boards import TARGETS, CNet, find_target, measure, missing_tools
from qnn_core.deploy.c import Target
from qnn_core.files import atomic_write
from tabulate import tabulate

PEER_TARGETS = ("rv32ec", "rv32emc", "m0", "m4")


def main() -> None:
    options = _parser().parse_args()
    rows = []
    for row in measured(options):
        rows.append(row)
        print(f"{row.net}, {row.target} {row.optimize}: {row.cycles:,.0f} cycles", flush=True)
    print(f"\n{table(rows)}")
    if options.json:
        text = json.dumps([asdict(row) for row in rows], indent=1)
        atomic_write(options.json, f"{text}\n".encode())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folders", nargs="*", type=Path, help="with nets that were exported as C")
    parser.add_argument("--ours", nargs="+", choices=NETS, default=[], help="nets to export")
    parser.add_argument("--bitnetmcu", type=Path, help="a checkout of BitNetMCU")
    parser.add_argument("--cmsis-nn", type=Path, help="a checkout of CMSIS-NN")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, help="default: all there are")
    parser.add_argument("--levels", nargs="+", choices="0123s", default=["3", "s"], help="of -O")
    parser.add_argument("--inputs", type=Path, help=".npy of [images, ...]; else random ones")
    parser.add_argument("--images", type=int, default=3, help="of the inputs (default: 3)")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    return parser


def measured(options: argparse.Namespace) -> Iterator[Row]:
    """Yield the rows of all that was asked for."""
    targets = options.targets or [name for name in TARGETS if available(name)]
    levels = [f"-O{level}" for level in options.levels]
    for folder in options.folders:
        for net in nets(folder):
            images = inputs(net, options.inputs, options.images)
            for target in targets:
                for level in levels:
                    yield own_row(net, target, level, images)
    for name in options.ours:
        yield from exported(name, targets, levels, options.images)
    peer_targets = [target for target in PEER_TARGETS if target in targets]
    if options.bitnetmcu:
        yield from bitnetmcu(options.bitnetmcu, peer_targets, levels)
    if options.cmsis_nn and "m4" in peer_targets:
        # Its own build has -Ofast, which adds nothing for integers.
        fast = ["-Ofast" if level == "-O3" else level for level in levels]
        yield from cmsis_nn(options.cmsis_nn, fast)


def exported(name: str, targets: Sequence[str], levels: Sequence[str], count: int) -> Iterator[Row]:
    """Yield the rows of a net of ours: for size where the compiler is told so, else for speed."""
    net = NETS[name]()
    for target in targets:
        for level in levels:
            with tempfile.TemporaryDirectory() as folder:
                made = net.packed.export_c(
                    folder,
                    name=name,
                    transform=net.transform,
                    samples=net.samples[:count],
                    target=cast(Target, target),
                    optimize="size" if level == "-Os" else "speed",
                )
                yield own_row(CNet.find(made.folder, name), target, level, net.samples[:count])


def available(target: str) -> bool:
    """Whether all tools of a target are there; say so if not."""
    missing = missing_tools(find_target(target))
    for reason in missing:
        print(f"not measured: {target}: {reason}")
    return not missing


def nets(folder: Path) -> list[CNet]:
    """Return all nets in a folder."""
    names = sorted(path.name.removesuffix("_test.c") for path in folder.glob("*_test.c"))
    return [CNet.find(folder, name) for name in names]


def inputs(net: CNet, file: Path | None, count: int) -> NDArray[Any]:
    """Return the first images of a file, or random ones."""
    if file is not None:
        return net.check_inputs(np.load(file)[:count])
    rng = np.random.default_rng(0)
    return rng.integers(0, 128, (count, net.inputs)).astype(net.dtype)


def own_row(net: CNet, target: str, level: str, images: NDArray[Any]) -> Row:
    """Measure a net of ours."""
    found = measure(net.folder, target, images, name=net.name, optimize=level)
    instructions = None if found.instructions is None else float(found.instructions.mean())
    cycles = float(found.cycles.mean())
    return Row(net.name, target, level, found.flash, found.ram, instructions, cycles)


def table(rows: Sequence[Row]) -> str:
    """Return a line for each row."""
    lines = [
        [
            row.net,
            row.target,
            row.optimize,
            f"{row.flash:,}",
            f"{row.ram:,}",
            "" if row.instructions is None else f"{row.instructions:,.0f}",
            f"{row.cycles:,.0f}",
        ]
        for row in rows
    ]
    headers = ["net", "target", "", "flash, B", "RAM, B", "instructions", "cycles (model)"]
    right = ("left", "left", "left", "right", "right", "right", "right")
    return tabulate(lines, headers=headers, colalign=right, disable_numparse=True)


if __name__ == "__main__":
    main()
