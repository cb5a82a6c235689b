"""What deploy_c.py needs beside its subject: options, CSV files, the C compiler, a board."""

import argparse
import csv
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from _arguments import add_dataset, add_out, add_quick, app_parser, load_data, whole
from numpy.typing import NDArray
from qnn_core.cli import main as qnn_command
from qnn_core.deploy.c import PROCESSORS
from qnn_core.deploy.c.host import compiler
from qnn_data.transforms import Compose, Normalize, ToFloat

MODEL, NAME = "model.qnn", "tiny"
QUICK_SAMPLES = 1000

# A program around the net: bytes in, classes out.
MAIN_C = f"""#include <stdio.h>
#include "{NAME}.h"

static uint8_t input[{NAME.upper()}_INPUTS];
static uint32_t scratch[({NAME.upper()}_SCRATCH + 3) / 4 + 1];

int main(void)
{{
    while (fread(input, sizeof input, 1, stdin) == 1)
        printf("%d\\n", {NAME}_predict(input, scratch));
    return 0;
}}
"""


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """Return the command line."""
    parser = app_parser("deploy_c", doc)
    data = parser.add_mutually_exclusive_group()
    add_dataset(data)
    data.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="values of a sensor instead: a row for each sample, its label and then its values; "
        "every fifth sample of each label is kept for the test",
    )
    parser.add_argument("--epochs", type=whole(1), metavar="N", help="(default: 10)")
    parser.add_argument(
        "--board",
        choices=tuple(PROCESSORS),
        metavar="TARGET",
        help=f"also run it on an emulated board: {', '.join(PROCESSORS)}",
    )
    add_out(parser, "deploy_c")
    add_quick(parser, f"2 epochs on {QUICK_SAMPLES:,} samples; its accuracy means nothing")
    return parser


def load_samples(
    parser: argparse.ArgumentParser, given: argparse.Namespace
) -> tuple[qnn_data.ArrayDataset, qnn_data.ArrayDataset]:
    """Return training and test data of bytes, or end with exit status 2 and say why not."""
    if given.csv is None:
        return load_data(parser, given.dataset)
    try:
        return read_csv(given.csv)
    except (OSError, ValueError) as error:
        parser.error(f"--csv {given.csv}: {error}")


def read_csv(path: Path) -> tuple[qnn_data.ArrayDataset, qnn_data.ArrayDataset]:
    """Return training and test data of a file with rows of a label and values.

    Values that are no bytes become bytes, as a converter in front of the net would make them: 0 is
    the least value of the training samples, 255 the greatest.

    Raises:
        ValueError: if it has no such rows; the message says where.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    numbers = []
    for line, row in enumerate(rows, 1):
        if len(row) != len(rows[0]) or len(row) < 2:
            raise ValueError(f"row {line} has {len(row)} fields, the first {len(rows[0])}")
        try:
            numbers.append([float(value) for value in row[1:]])
        except ValueError as error:
            raise ValueError(f"row {line}: a label and numbers are needed: {error}") from error
        if not np.all(np.isfinite(numbers[-1])):
            raise ValueError(f"row {line}: finite numbers are needed, it has {','.join(row[1:])}")
    values = np.array(numbers)
    names = sorted({row[0] for row in rows})
    labels = np.array([names.index(row[0]) for row in rows])
    # Every fifth of each class, whatever the order of the rows.
    test = np.array([np.sum(labels[:i] == label) % 5 == 4 for i, label in enumerate(labels)])
    if len(names) < 2 or not test.any():
        raise ValueError(
            f"two labels, and 5 rows of one at least, are needed: it has {len(rows)} rows of "
            f"{', '.join(names)}"
        )
    print("classes: " + ", ".join(f"{number} {name}" for number, name in enumerate(names)))
    data = _bytes(values, values[~test])
    mean, std = data[~test].mean() / 255, max(data[~test].std() / 255, 1e-3)
    transform = Compose([ToFloat(), Normalize(float(mean), float(std))])
    one, two = (
        qnn_data.ArrayDataset(data[part], labels[part], transform, classes=names)
        for part in (~test, test)
    )
    return one, two


def _bytes(values: NDArray[Any], training: NDArray[Any]) -> NDArray[np.uint8]:
    if np.all((values >= 0) & (values <= 255) & (values == np.rint(values))):
        return values.astype(np.uint8)
    low, high = float(training.min()), float(training.max())
    step = (high - low) / 255 or 1.0
    print(f"give the C: byte = round((value - {low!r}) / {step!r}), at least 0 and at most 255")
    return np.clip(np.rint((values - low) / step), 0, 255).astype(np.uint8)


def classes_of(folder: Path, samples: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Compile the net with a program around it, run it, and return the class of each sample.

    Raises:
        QnnError: if there is no C compiler, or it fails.
    """
    found = compiler()
    if found is None:
        raise qnn.QnnError("there is no C compiler (cc, gcc or clang, or what CC names)")
    (folder / "main.c").write_text(MAIN_C, encoding="utf-8")
    program = folder / "main"
    sources = [str(folder / "main.c"), str(folder / f"{NAME}.c")]
    words = [*found.split(), "-std=c99", "-O2", *sources, "-o", str(program)]
    print(f"{' '.join(words)}")
    run(words)
    return np.array(run([str(program.absolute())], samples.tobytes()).split(), np.int64)


def run(words: list[str], given: bytes = b"") -> bytes:
    """Run a command and return what it prints.

    Raises:
        QnnError: if it fails.
    """
    done = subprocess.run(words, input=given, capture_output=True, check=False)
    if done.returncode:
        raise qnn.QnnError(f"{words[0]} failed: {done.stderr.decode(errors='replace')}")
    return done.stdout


def on_board(folder: Path, target: str) -> int:
    """Run the self-test on an emulated board, show what it costs there, return the exit status."""
    print(f"\nqnn board {folder} --target {target}")
    return qnn_command(["board", str(folder), "--target", target])
