"""The command line of study.py."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from _arguments import DATASETS, load_data, whole
from qnn_compare import Config
from qnn_core.machine.processor import usable_cores

from .plan import NAMES, Study, study

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
HELD_OUT = 10_000
# Enough to see that it works; the numbers mean nothing.
QUICK: dict[str, Any] = {"epochs": 1, "warm_up": 0}
QUICK_SAMPLES = 400

DESCRIPTION = """\
Train the nets of a study from several seeds and report on them: a table, and, in the study's
folder, README.md with figures, and a file for each run.

Nothing is chosen by the test images: recipes were, with --choose, by training images that were held
out. The test images are looked at once for each run, after its last epoch.

Runs that the folder holds are not repeated: a study that was stopped goes on, and one can be given
more seeds. After a change of code that makes numbers, take another folder with --out.
"""


@dataclass(frozen=True)
class Options:
    """A checked command line.

    Attributes:
        study: what is run.
        data: as `qnn.compare` takes them.
        recipe: arguments of `qnn.compare`.
        configs: of the study's, those that were asked for.
        seeds: how many.
        jobs: number of processes.
        folder: for the results.
        measured: which images the accuracies are of.
        quick: whether this is only a trial.
    """

    study: Study
    data: Callable[[], Any]
    recipe: Mapping[str, Any]
    configs: list[Config]
    seeds: int
    jobs: int
    folder: Path
    measured: str
    quick: bool


def parse(arguments: list[str] | None = None) -> Options:
    """Return the options, or end with exit status 2 and say what is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    found = study(given.study)
    known = [config.name for config in found.configs]
    for name in given.configs or ():
        if name not in known:
            parser.error(f"--configs {name}: {found.name} has the configs {', '.join(known)}")
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
        data=partial(
            found.data,
            dataset=dataset,
            held_out=HELD_OUT if given.choose else 0,
            samples=QUICK_SAMPLES if given.quick else None,
        ),
        recipe={**found.recipe, **(QUICK if given.quick else {})},
        configs=[c for c in found.configs if given.configs is None or c.name in given.configs],
        seeds=given.seeds or (2 if given.quick else found.seeds),
        jobs=given.jobs,
        folder=folder,
        measured=f"{HELD_OUT:,} training images, held out" if given.choose else "the test images",
        quick=given.quick,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="study.py",
        usage="python studies/study.py STUDY [options]",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", choices=NAMES, metavar="STUDY", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--configs", nargs="+", metavar="CONFIG", help="only these")
    parser.add_argument(
        "--seeds", type=whole(1), metavar="N", help="runs of each config (default: the study's own)"
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
