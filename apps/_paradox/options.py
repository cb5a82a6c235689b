"""The command line of paradox.py."""

import os
from dataclasses import dataclass
from pathlib import Path

from _arguments import DATASETS, add_quick, app_parser, load_data, numbered, whole

WIDTHS = (1, 2, 3, 4, None)
FIGURE = "ladder.png"


@dataclass(frozen=True)
class Setting:
    """What all nets share."""

    dataset: str
    samples: int | None
    epochs: int
    hidden: int


QUICK = Setting("mnist-mini", samples=500, epochs=1, hidden=32)


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        setting: what all nets share.
        seeds: how many.
        jobs: processes.
        ladder_only: whether to leave out what stands beside the ladder.
        folder: for the results; it may hold some already.
    """

    setting: Setting
    seeds: int
    jobs: int
    ladder_only: bool
    folder: Path


def parse(doc: str | None) -> Options:
    """Return what the command line asks for, or end with exit status 2 and say what is wrong."""
    parser = app_parser("paradox", doc)
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
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of the study, which goes on with what it holds (default: a new one, "
        "results/paradox-1 or the next number that is free)",
    )
    add_quick(
        parser,
        f"{QUICK.samples} images of {QUICK.dataset}, {QUICK.hidden} hidden units, "
        f"{QUICK.epochs} epoch, 1 seed; its numbers mean nothing",
    )
    given = parser.parse_args()
    setting = Setting(given.dataset, samples=None, epochs=given.epochs, hidden=1000)
    if given.quick:
        setting = QUICK
    load_data(parser, setting.dataset)
    folder = given.out or numbered(Path("results"), "paradox")
    seeds = 1 if given.quick else given.seeds
    return Options(setting, seeds, given.jobs, given.ladder_only, folder)
