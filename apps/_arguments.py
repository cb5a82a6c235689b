"""What the apps' command lines have in common: numbers, data sets, and the folder for results."""

import argparse
import math
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import qnn_data

DATASETS = ("mnist-mini", "mnist", "fashion-mnist")


def whole(least: int) -> Callable[[str], int]:
    """Return an argument type: a whole number of at least `least`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"expected a whole number >= {least}, got {text!r}")
        return number

    return parse


def positive(text: str) -> float:
    """Return a finite number above 0: an argument type."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number > 0, got {text!r}")
    return number


def app_parser(name: str, doc: str | None, epilog: str | None = None) -> argparse.ArgumentParser:
    """Return the command line of an app, to which its options are added."""
    return argparse.ArgumentParser(
        prog=f"{name}.py",
        usage=f"python apps/{name}.py [options]",
        description=doc,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_quick(parser: argparse._ActionsContainer, what: str) -> None:
    """Add --quick; `what` says how small the trial is."""
    parser.add_argument("--quick", action="store_true", help=f"a trial: {what}")


def add_dataset(parser: argparse._ActionsContainer) -> None:
    """Add --dataset."""
    parser.add_argument(
        "--dataset",
        choices=DATASETS,
        default=DATASETS[0],
        help="mnist-mini, 6,000 + 1,000 images of MNIST, comes with qnn-data; the others, 60,000 + "
        "10,000, are taken from the folder that QNN_DATA names, or downloaded (default: "
        "%(default)s)",
    )


def add_out(parser: argparse._ActionsContainer, name: str) -> None:
    """Add --out and --overwrite."""
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the results; made if need be, refused if it holds results already "
        f"(default: a new one, results/{name}-1 or the next number that is free)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the results in --out DIR")


def load_data(
    parser: argparse.ArgumentParser, name: str
) -> tuple[qnn_data.ArrayDataset, qnn_data.ArrayDataset]:
    """Return training and test data, or end with exit status 2 and say why they cannot be had."""
    try:
        return qnn_data.load(name)
    except (qnn_data.DataError, OSError) as error:
        parser.error(f"--dataset {name}: {error}")


def results_folder(
    parser: argparse.ArgumentParser,
    out: Path | None,
    name: str,
    files: Iterable[str],
    overwrite: bool = False,
) -> Path:
    """Make the folder for results, or end with exit status 2: nobody's results are overwritten.

    Args:
        parser: ends the program.
        out: the folder; None for a new one with a number.
        name: of the app.
        files: names of the files that will be written there.
        overwrite: whether files of these names, from an earlier run, are removed.
    """
    try:
        folder = numbered(Path("results"), name) if out is None else out
        folder.mkdir(parents=True, exist_ok=out is not None)
        with tempfile.TemporaryFile(dir=folder):
            pass
        old = [folder / file for file in files if (folder / file).exists()]
        if old and not overwrite:
            parser.error(
                f"--out {folder}: it holds {old[0].name} of an earlier run; "
                "take another folder, or --overwrite to replace it"
            )
        for path in old:
            path.unlink()
    except OSError as error:
        shown = "the default folder" if out is None else f"--out {out}"
        parser.error(f"{shown}: no folder that can be written to: {error}")
    return folder


def numbered(parent: Path, name: str) -> Path:
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"
