"""Compare quantization schemes at several bit widths. ``--help`` explains.

A thin face of `qnn.compare`, which pairs the nets, runs them, and says what their differences are
worth: here are the nets, the data, and the command line.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import qnn_core as qnn
import qnn_data
from _arguments import (
    DATASETS,
    add_dataset,
    app_parser,
    load_data,
    numbered,
    positive,
    whole,
)
from qnn_compare import commands
from qnn_compare.experiment.grid import configs_of
from qnn_core import registry
from qnn_core.errors import CompareError, PluginError, SpecError
from qnn_core.terminal import command, say

# What is compared unless schemes are named; more of ours would only take longer.
FAMILIAR = ("binary", "logarithmic", "symmetric", "uniform")
OURS = "qnn-quantizers"

MODELS = ("mlp", "lenet", "resnet")

# Chosen by measurement: the full grid ends within two minutes on two cores, and the nets are small
# enough for a picture in which bits matter.
DEFAULTS: dict[str, Any] = {"seeds": 5, "epochs": 7, "hidden": [128, 128]}
QUICK: dict[str, Any] = {"seeds": 2, "epochs": 2, "hidden": [32, 32]}
QUICK_SAMPLES = 1000

DESCRIPTION = """\
Compare quantization schemes at several bit widths: train the same net with each, from several
seeds, and say what the differences are worth.

Every layer but the last has its weights and its inputs quantized by the scheme; the last is float,
as is usual, and so is the first of a convolutional net. All configs share the net, the recipe
(batch normalization, cosine schedule) and, seed by seed, the initial weights and the order of the
batches. Accuracy is that on the test images after the last epoch; nothing is chosen by it.
"""

EPILOG = """\
output:
  a table with verdicts on standard output, progress on standard error, and in the folder of
  results report.html, report-live.html (draw a digit, and see what the nets say), results.csv,
          figures, and the study itself (study.json, cells/)

Ctrl-C stops the study and reports on what is done; the same command with --out DIR goes on. A
combination that a scheme gives no meaning, such as binary at 4 bits, is listed with the scheme's
reason; a net that fails and a plugin that is broken are listed with the error, and the others go
on.

exit status: 0 done; 1 some nets failed, or files cannot be written; 2 wrong arguments or no data;
130 stopped by Ctrl-C

examples:
  python apps/compare_bits.py
  python apps/compare_bits.py --dataset mnist --hidden 1000 --seeds 5
  python apps/compare_bits.py --model lenet --bits 1 2 4 32
  python apps/compare_bits.py --schemes symmetric symmetric:grid=even --bits 1 2 3 32
"""


def net(model: str, hidden: list[int], activation: str, classes: int, **options: Any) -> qnn.Module:
    """Return an untrained net; `options` are weight, input and seed."""
    options["activation"] = activation
    if model == "lenet":
        return qnn.LeNet(classes=classes, batch_norm=True, **options)
    if model == "resnet":
        return qnn.ResNet(classes=classes, **options)
    return qnn.MLP([784, *hidden, classes], batch_norm=True, **options)


def data(name: str, samples: int | None) -> tuple[Any, Any]:
    """Return training and test data."""
    train, test = qnn_data.load(name)
    return (train if samples is None else train.subset(slice(samples))), test


def live(test: Any) -> dict[str, Any] | None:
    """Return how the page is made in which the nets answer, if their images can be drawn."""
    if test.images.ndim != 3:
        return None
    return {
        "transform": (test.mean, test.std),
        "samples": test.images[:20],
        "classes": test.classes,
    }


@command
def main() -> int:
    """Run the study and return the exit status."""
    parser = _parser()
    given = parser.parse_args()
    if given.model != "mlp" and given.hidden is not None:
        parser.error(f"--hidden: the layers of {given.model} are what they are; it is for mlp")
    for name, value in (QUICK if given.quick else DEFAULTS).items():
        if getattr(given, name) is None:
            setattr(given, name, value)
    train, test = load_data(parser, given.dataset)
    shallow = given.model == "mlp" and len(given.hidden) == 1
    activation = given.activation or ("relu" if shallow else "hardtanh")
    if given.quick:
        say("a quick trial: its numbers mean nothing", sys.stderr)
    try:
        return commands.run_study(
            partial(net, given.model, given.hidden, activation, len(train.classes)),
            partial(data, given.dataset, QUICK_SAMPLES if given.quick else None),
            given,
            given.out or numbered(Path("results"), "compare_bits"),
            weights=given.schemes or meaningful(usual_schemes(), given.bits),
            bits=given.bits,
            seeds=given.seeds,
            max_seeds=given.max_seeds,
            max_seconds=given.max_seconds,
            reference=given.reference,
            margin=_margin(given),
            epochs=given.epochs,
            batch_size=given.batch_size,
            lr=given.lr,
            optimizer=given.optimizer,
            live=live(test),
        )
    except (qnn.QnnError, PluginError) as error:
        parser.error(str(error).removeprefix("compare: "))
    except OSError as error:
        say(f"compare_bits.py: error: cannot write the results: {error}", sys.stderr)
        return 1


def _margin(given: argparse.Namespace) -> float:
    """Return what is too small to matter: with 1,000 test images less than a point is not seen."""
    usual = 0.01 if given.dataset == DATASETS[0] else 0.005
    return float(usual if given.margin is None else given.margin)


def usual_schemes() -> list[str]:
    """Return the familiar schemes that are installed, and every scheme of another distribution."""
    entries = registry.registered()
    return sorted({s.name for s in entries if s.name in FAMILIAR or s.distribution != OURS})


def meaningful(schemes: list[str], bits: list[int]) -> list[str]:
    """Return those of the schemes, which nobody named, that have a meaning at some width."""
    found = []
    for scheme in schemes:
        try:
            configs_of([scheme], None, [*bits, 32])
        except SpecError as error:
            say(f"left out: {str(error).removeprefix('compare: ')}", sys.stderr)
            continue
        except CompareError:
            pass  # at none of these widths, or broken: the study lists it with the reason
        found.append(scheme)
    return found or schemes


def _seeds(text: str) -> int | str:
    return text if text == "auto" else whole(1)(text)


def _width(text: str) -> int:
    if text not in (*map(str, range(1, 9)), "32"):
        raise argparse.ArgumentTypeError(
            f"expected whole numbers from 1 to 8, or 32 for float, got {text!r}"
        )
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = app_parser("compare_bits", DESCRIPTION, EPILOG)
    _add_compared(parser.add_argument_group("what is compared"))
    _add_training(parser.add_argument_group("how each net is trained"))
    _add_running(parser.add_argument_group("how it runs"))
    return parser


def _add_compared(group: argparse._ArgumentGroup) -> None:
    add_dataset(group)
    group.add_argument(
        "--schemes",
        nargs="+",
        metavar="SCHEME",
        help="names, or specs without bits such as symmetric:grid=even (default: the familiar ones "
        "and those of other distributions, here "
        f"{', '.join(usual_schemes()) or 'none'}; installed: {', '.join(qnn.schemes()) or 'none'})",
    )
    group.add_argument(
        "--bits",
        type=_width,
        nargs="+",
        metavar="BITS",
        default=[1, 2, 3, 4, 8, 32],
        help="widths of weights and inputs, 1 to 8; 32 is the float net, one for all schemes "
        "(default: 1 2 3 4 8 32)",
    )
    group.add_argument(
        "--seeds",
        type=_seeds,
        metavar="N",
        help="runs of each, seeds 0 to N-1; or auto: 3 to 30, as many as it takes to decide "
        "(default: 5)",
    )
    group.add_argument(
        "--max-seeds", type=whole(2), metavar="N", default=30, help="of auto (default: 30)"
    )
    group.add_argument(
        "--max-seconds", type=positive, metavar="S", help="auto begins no look that would end later"
    )
    group.add_argument(
        "--reference", metavar="CONFIG", help="what others are compared with (default: float)"
    )
    group.add_argument(
        "--margin",
        type=positive,
        metavar="SHARE",
        help="what is too small to matter (default: 0.005, half a point, and 0.01 with the 1,000 "
        "test images of mnist-mini, which tell no less)",
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model",
        choices=MODELS,
        default=MODELS[0],
        help="mlp, a net of fully connected layers; lenet, with two convolutions; resnet, with "
        "three residual blocks (default: %(default)s)",
    )
    group.add_argument("--epochs", type=whole(1), metavar="N", help="(default: 7)")
    group.add_argument(
        "--hidden",
        type=whole(1),
        nargs="+",
        metavar="WIDTH",
        help="width of each hidden layer of an mlp (default: 128 128)",
    )
    group.add_argument(
        "--activation",
        choices=("relu", "hardtanh"),
        help="(default: relu for an mlp with one hidden layer, else hardtanh: after relu no number "
        "is negative, so a binary input to the next layer would always be +1)",
    )
    group.add_argument(
        "--batch-size", type=whole(2), metavar="N", default=100, help="(default: 100)"
    )
    group.add_argument(
        "--lr",
        type=positive,
        default=1e-3,
        help="learning rate at the start (default: %(default)s)",
    )
    group.add_argument(
        "--optimizer",
        choices=("adam", "adamw", "sgd"),
        default="adam",
        help="(default: %(default)s)",
    )


def _add_running(group: argparse._ArgumentGroup) -> None:
    commands.add_where(group)
    group.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the results; one that holds a part of the same study is gone on with "
        "(default: a new one, results/compare_bits-1 or the next number that is free)",
    )
    group.add_argument(
        "--quick",
        action="store_true",
        help=f"a trial of a few seconds: {QUICK_SAMPLES:,} training images, small nets, few "
        "epochs, unless given otherwise. Its numbers mean nothing",
    )


if __name__ == "__main__":
    sys.exit(main())
