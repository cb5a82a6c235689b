"""The command line of paradox.py."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from _arguments import DATASETS, add_out, load_data, results_folder, whole

from .report import facts
from .study import Setting, Study

WIDTHS = (1, 2, 3, 4, None)
RESULTS, FIGURE = "results.json", "ladder.png"
QUICK = Setting("mnist-mini", samples=500, epochs=1, hidden=32)


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        study: with the results of the run that is resumed.
        seeds: how many.
        jobs: processes.
        ladder_only: whether to leave out the arms beside the ladder.
        folder: for the results.
    """

    study: Study
    seeds: int
    jobs: int
    ladder_only: bool
    folder: Path


def parse(doc: str | None) -> Options:
    """Return what the command line asks for, or end with exit status 2 and say what is wrong."""
    parser = argparse.ArgumentParser(
        prog="paradox.py",
        usage="python apps/paradox.py [options]",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--dataset",
        choices=DATASETS[:2],
        default="mnist" if os.environ.get("QNN_DATA") else "mnist-mini",
        help="(default: mnist where QNN_DATA names its folder, else mnist-mini, which comes with "
        "qnn-data)",
    )
    parser.add_argument("--epochs", type=whole(1), metavar="N", default=3, help="(default: 3)")
    parser.add_argument("--seeds", type=whole(1), metavar="N", default=3, help="(default: 3)")
    parser.add_argument(
        "--jobs", type=whole(1), metavar="N", default=1, help="processes (default: 1)"
    )
    parser.add_argument(
        "--ladder-only", action="store_true", help="leave out the single changes beside the ladder"
    )
    add_out(parser, "paradox")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the results that --out DIR holds"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"a trial: {QUICK.samples} images of {QUICK.dataset}, {QUICK.hidden} hidden units, "
        f"{QUICK.epochs} epoch, 1 seed; its numbers mean nothing",
    )
    given = parser.parse_args()
    if given.resume and not given.out:
        parser.error("--resume: say with --out DIR what to go on with")
    setting = Setting(given.dataset, samples=None, epochs=given.epochs, hidden=1000)
    if given.quick:
        setting = QUICK
    load_data(parser, setting.dataset)
    files = [] if given.resume else [RESULTS, FIGURE]
    folder = results_folder(parser, given.out, "paradox", files, given.overwrite)
    seeds = 1 if given.quick else given.seeds
    try:
        study = Study(folder / RESULTS, setting, facts())
    except (ValueError, KeyError, TypeError) as error:  # no JSON, or not of this app
        parser.error(f"--resume: {error}")
    return Options(study, seeds, given.jobs, given.ladder_only, folder)
