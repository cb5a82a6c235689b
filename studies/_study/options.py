"""The command line of study.py."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from _arguments import DATASETS, load_data, whole
from qnn_core.machine.processor import usable_cores

from .cell import Cell
from .plan import NAMES, Study, study

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
HELD_OUT = 10_000
# Enough to see that it works; the numbers mean nothing.
QUICK: dict[str, Any] = {"epochs": 1}
QUICK_SAMPLES = 400

DESCRIPTION = """\
Train the nets of a study from several seeds and report on them: a table, README.md, results.json
and a figure in the study's folder.

Nothing is chosen by the test images: recipes were, with --choose, by training images that were held
out. The test images are looked at once for each run, after its last epoch.

Runs that results.json holds already, with the recipe and the options that they would have now, are
not repeated: a study that was stopped goes on, and one can be given more seeds. After a change of
the code of a net, delete it.
"""


@dataclass(frozen=True)
class Options:
    """A checked command line.

    Attributes:
        study: what is run.
        cells: its runs, seed by seed: a study that is stopped has whole rounds.
        jobs: number of processes.
        folder: for the results.
        measured: which images the accuracies are of.
        quick: whether this is only a trial.
    """

    study: Study
    cells: list[Cell]
    jobs: int
    folder: Path
    measured: str
    quick: bool


def parse(arguments: list[str] | None = None) -> Options:
    """Return the options, or end with exit status 2 and say what is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    found = study(given.study)
    known = [arm.name for arm in found.arms]
    for name in given.arms or ():
        if name not in known:
            parser.error(f"--arms {name}: {found.name} has the arms {', '.join(known)}")
    dataset = given.dataset or ("mnist-mini" if given.quick else "mnist")
    load_data(parser, dataset)
    trial = given.quick or given.choose or dataset != "mnist"
    default = Path("results", f"study-{found.name}") if trial else RESULTS / found.name
    folder = given.out or default
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out {folder}: no folder that can be written to: {error}")
    return Options(
        study=found,
        cells=_cells(found, given, dataset),
        jobs=given.jobs,
        folder=folder,
        measured=f"{HELD_OUT:,} training images, held out" if given.choose else "the test images",
        quick=given.quick,
    )


def _cells(found: Study, given: argparse.Namespace, dataset: str) -> list[Cell]:
    changes: Mapping[str, Any] = QUICK if given.quick else {}
    seeds = range(given.seeds or (2 if given.quick else found.seeds))
    arms = [arm for arm in found.arms if given.arms is None or arm.name in given.arms]
    return [
        Cell(
            found.name,
            arm.name,
            seed,
            replace(found.recipe_of(arm), **changes),
            dict(arm.options),
            dataset,
            QUICK_SAMPLES if given.quick else None,
            HELD_OUT if given.choose else 0,
        )
        for seed in seeds
        for arm in arms
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="study.py",
        usage="python studies/study.py STUDY [options]",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", choices=NAMES, metavar="STUDY", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--arms", nargs="+", metavar="ARM", help="only these")
    parser.add_argument(
        "--seeds", type=whole(1), metavar="N", help="runs of each arm (default: the study's own)"
    )
    parser.add_argument(
        "--jobs",
        type=whole(1),
        default=usable_cores(),
        metavar="N",
        help="processes, one thread each; the numbers do not depend on it (default: %(default)s)",
    )
    parser.add_argument(
        "--dataset", choices=DATASETS, help="(default: mnist; with --quick mnist-mini)"
    )
    parser.add_argument(
        "--choose",
        action="store_true",
        help=f"hold {HELD_OUT:,} of the training images out and measure on them; results in "
        "results/study-STUDY",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"a trial of seconds: {QUICK_SAMPLES} images, one epoch; results in "
        "results/study-STUDY. Its numbers mean nothing",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="another folder for the results")
    return parser
