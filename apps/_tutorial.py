"""What the tutorials share, so that they can be about their subject: arguments, data, curves."""

import importlib.util
import io
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import qnn_data
from _arguments import (
    add_dataset,
    add_out,
    add_quick,
    app_parser,
    load_data,
    results_folder,
    whole,
)
from qnn_core import History
from qnn_core.files import atomic_write

if importlib.util.find_spec("matplotlib") is None:
    sys.exit("the curves need matplotlib: pip install matplotlib")
from matplotlib.figure import Figure

CURVES = "curves.png"
QUICK_SAMPLES = 1000
COLORS = ("#0072B2", "#D55E00", "#009E73")  # Okabe and Ito (2008): for all eyes


class Tutorial:
    """The command line of a tutorial.

    Attributes:
        train, test: the data.
        epochs: how many.
        folder: where the curves go.
    """

    def __init__(self, name: str, doc: str | None) -> None:
        parser = app_parser(name, doc)
        add_dataset(parser)
        parser.add_argument("--epochs", type=whole(1), metavar="N", help="(default: 10)")
        add_out(parser, name)
        add_quick(parser, f"2 epochs on {QUICK_SAMPLES:,} images; its numbers mean nothing")
        given = parser.parse_args()
        self.epochs: int = given.epochs or (2 if given.quick else 10)
        self.train, self.test = load_data(parser, given.dataset)
        self._dataset = given.dataset
        if given.quick:
            self.train = self.train.subset(slice(QUICK_SAMPLES))
            print("--quick: a trial, its numbers mean nothing\n")
        self.folder = results_folder(parser, given.out, name, [CURVES], given.overwrite)

    def loaders(self) -> tuple[qnn_data.DataLoader, qnn_data.DataLoader]:
        """Return batches of 100 training images, in a new order each epoch, and the test data."""
        train = qnn_data.DataLoader(self.train, 100, shuffle=True, seed=0)
        return train, qnn_data.DataLoader(self.test, 1000)

    def save_curves(self, histories: Mapping[str, History]) -> Path:
        """Draw loss and accuracy over epochs and return the path of the PNG."""
        figure = Figure(figsize=(10, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        for color, (label, history) in zip(COLORS, histories.items(), strict=False):
            epochs = [epoch.epoch for epoch in history.epochs]
            rows = np.array(
                [(e.loss, e.val_loss, e.accuracy, e.val_accuracy) for e in history.epochs], float
            )
            for axes, part, factor in ((left, rows[:, :2], 1), (right, rows[:, 2:], 100)):
                train, test = factor * part.T
                axes.plot(epochs, train, "o--", color=color, ms=4, label=f"{label}, training")
                axes.plot(epochs, test, "s-", color=color, ms=4, label=f"{label}, test")
        for axes, what in ((left, "loss (cross entropy)"), (right, "accuracy (%)")):
            axes.set_xlabel("epoch")
            axes.set_ylabel(what)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.grid(color="0.9")
        right.legend(loc="lower right", fontsize=9)
        figure.suptitle(f"{self._dataset}, {len(self.train):,} training images")
        path = self.folder / CURVES
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=150)
        atomic_write(path, content.getvalue())
        return path
