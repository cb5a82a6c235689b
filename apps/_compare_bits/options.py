"""The command line of compare_bits.py."""

import argparse
import importlib.util
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import qnn_core as qnn
from _arguments import add_dataset, add_out, load_data, positive, results_folder, whole
from _runs.processes import cpu_count

from .cell import MODELS, OPTIMIZERS, Settings
from .plan import WIDTHS, check_scheme, usual_schemes

FILES = ("results.json", "results.csv", "accuracy_over_bits.png", "training_curves.png")

# Chosen by measurement: the full grid ends within two minutes on two cores, and the nets are small
# enough for a picture in which bits matter.
DEFAULTS: dict[str, Any] = {"seeds": 3, "epochs": 10, "hidden": [128, 128], "batch_size": 100}
QUICK: dict[str, Any] = {"seeds": 2, "epochs": 2, "hidden": [32, 32], "batch_size": 100}
QUICK_SAMPLES = 1000

DESCRIPTION = """\
Compare quantization schemes at several bit widths: train the same net with each, from several
seeds, and show accuracy, bytes and time.

Every layer but the last has its weights and its inputs quantized by the scheme; the last is float,
as is usual, and so is the first of a convolutional net. All arms share the net, the recipe (batch
normalization, cosine schedule) and, seed by seed, the initial weights and the order of the batches.
Accuracy is that on the test images after the last epoch; nothing is chosen by it.
"""

EPILOG = """\
output:
  a table on standard output, progress on standard error, and in the folder of results
  results.json (everything, written anew after each run), results.csv (one line per run),
  accuracy_over_bits.png and training_curves.png

Ctrl-C stops the study and reports on the runs that are done. A combination that a scheme gives no
meaning, such as binary at 4 bits, is listed with the scheme's reason; a run that fails and a plugin
that is broken are listed with the error, and the others go on.

exit status: 0 done; 1 nothing could be trained, or a process or a file failed; 2 wrong arguments
or no data; 130 stopped by Ctrl-C

examples:
  python apps/compare_bits.py
  python apps/compare_bits.py --dataset mnist --hidden 1000 --seeds 5
  python apps/compare_bits.py --model lenet --bits 1 2 4 32
  python apps/compare_bits.py --schemes symmetric symmetric:grid=even --bits 1 2 3 32
"""


@dataclass(frozen=True)
class Options:
    """A checked command line.

    Attributes:
        settings: what all cells share.
        schemes, bits, seeds: what is compared.
        jobs: number of processes.
        folder: for the results; it exists and is empty of them.
        quick: whether this is only a trial.
    """

    settings: Settings
    schemes: list[str]
    bits: list[int]
    seeds: list[int]
    jobs: int
    folder: Path
    quick: bool

    def configuration(self) -> dict[str, Any]:
        """Return what the numbers depend on, for the report."""
        compared = {"schemes": self.schemes, "bits": self.bits, "seeds": self.seeds}
        recipe = {"batch_norm": True, "schedule": "cosine", "quick": self.quick}
        return compared | asdict(self.settings) | recipe


def parse(arguments: list[str] | None = None) -> Options:
    """Return the options, or end with exit status 2 and say what is wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.model != "mlp" and given.hidden is not None:
        parser.error(f"--hidden: the layers of {given.model} are what they are; it is for mlp")
    for name, value in (QUICK if given.quick else DEFAULTS).items():
        if getattr(given, name) is None:
            setattr(given, name, value)
    schemes = _schemes(parser, given.schemes)
    if importlib.util.find_spec("matplotlib") is None:
        parser.error("the figures need matplotlib: pip install matplotlib")
    load_data(parser, given.dataset)
    return Options(
        settings=_settings(given),
        schemes=schemes,
        bits=sorted(set(given.bits)),
        seeds=list(range(given.seeds)),
        jobs=given.jobs,
        folder=results_folder(parser, given.out, "compare_bits", FILES, given.overwrite),
        quick=given.quick,
    )


def _settings(given: argparse.Namespace) -> Settings:
    shallow = given.model == "mlp" and len(given.hidden) == 1
    return Settings(
        dataset=given.dataset,
        train_samples=QUICK_SAMPLES if given.quick else None,
        model=given.model,
        hidden=tuple(given.hidden) if given.model == "mlp" else (),
        activation=given.activation or ("relu" if shallow else "hardtanh"),
        epochs=given.epochs,
        batch_size=given.batch_size,
        lr=given.lr,
        optimizer=given.optimizer,
    )


def _schemes(parser: argparse.ArgumentParser, given: list[str] | None) -> list[str]:
    if given is None:
        if not usual_schemes():
            parser.error("no quantization scheme is installed: pip install qnn-quantizers")
        return usual_schemes()
    for spec in given:
        try:
            check_scheme(spec)
        except qnn.QnnError as error:
            parser.error(f"--schemes {spec}: {error}")
    return list(dict.fromkeys(given))


def _bits(text: str) -> int:
    if not text.isdecimal() or int(text) not in WIDTHS:
        raise argparse.ArgumentTypeError(
            f"expected whole numbers from 1 to 8, or 32 for float, got {text!r}"
        )
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="compare_bits.py",
        usage="python apps/compare_bits.py [options]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
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
        type=_bits,
        nargs="+",
        metavar="BITS",
        default=[1, 2, 3, 4, 8, 32],
        help="widths of weights and inputs, 1 to 8; 32 is the float net, one for all schemes "
        "(default: 1 2 3 4 8 32)",
    )
    group.add_argument(
        "--seeds", type=whole(1), metavar="N", help="runs of each, seeds 0 to N-1 (default: 3)"
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model",
        choices=MODELS,
        default=MODELS[0],
        help="mlp, a net of fully connected layers; lenet, with two convolutions; resnet, with "
        "three residual blocks (default: %(default)s)",
    )
    group.add_argument("--epochs", type=whole(1), metavar="N", help="(default: 10)")
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
    group.add_argument("--batch-size", type=whole(2), metavar="N", help="(default: 100)")
    group.add_argument(
        "--lr",
        type=positive,
        default=1e-3,
        help="learning rate at the start (default: %(default)s)",
    )
    group.add_argument(
        "--optimizer", choices=OPTIMIZERS, default="adam", help="(default: %(default)s)"
    )


def _add_running(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--jobs",
        type=whole(1),
        default=cpu_count(),
        metavar="N",
        help="processes, one BLAS thread each; the numbers do not depend on it "
        "(default: one per core, here %(default)s)",
    )
    add_out(group, "compare_bits")
    group.add_argument(
        "--quick",
        action="store_true",
        help=f"a trial of a few seconds: {QUICK_SAMPLES:,} training images, small nets, few "
        "epochs, unless given otherwise. Its numbers mean nothing",
    )
