"""What deploy.py needs beside its subject: options, the net in floats, another process."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
from _arguments import add_dataset, add_out, add_quick, app_parser, whole

MODEL, CHECKPOINT = "model.qnn", "checkpoint.qnn"
QUICK_SAMPLES = 1000
# A BLAS reads these when it is loaded: they are for another process, not for this one.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """Return the command line."""
    parser = app_parser("deploy", doc)
    add_dataset(parser)
    parser.add_argument(
        "--weight",
        metavar="SPEC",
        default="symmetric:2",
        help="quantizer of the weights in every layer, see `qnn schemes` (default: %(default)s)",
    )
    parser.add_argument(
        "--input",
        metavar="SPEC",
        default="uniform:2",
        help="quantizer of the inputs of every layer (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=whole(1), metavar="N", help="(default: 10)")
    parser.add_argument(
        "--load",
        type=Path,
        metavar="FILE",
        help=f"do not train, but take the {CHECKPOINT} that an earlier run left in its folder; "
        "needs the --weight and --input of that run",
    )
    add_out(parser, "deploy")
    add_quick(parser, f"2 epochs on {QUICK_SAMPLES:,} images; its accuracy means nothing")
    return parser


def float_layers(model: qnn.MLP) -> dict[str, Any]:
    """Return weight and bias of each layer in float, batch normalization folded into them."""
    arrays: dict[str, Any] = {}
    layers = list(model)  # linear, batch norm, hardtanh, linear, ... linear
    for n, at in enumerate(range(0, len(layers), 3)):
        linear = layers[at]
        assert isinstance(linear, qnn.Linear)
        assert linear.bias is not None
        weight, bias = linear.weight.data.T, linear.bias.data
        if at + 1 < len(layers):
            norm = layers[at + 1]
            assert isinstance(norm, qnn.nn.BatchNorm)
            factor = norm.weight.data / np.sqrt(norm.running_variance.data + norm.eps)
            weight, bias = weight * factor, (bias - norm.running_mean.data) * factor
            bias = bias + norm.bias.data
        arrays[f"weight{n}"] = np.ascontiguousarray(weight, np.float32)
        arrays[f"bias{n}"] = np.asarray(bias, np.float32)
    return arrays


def run_alone(path: Path, images: Any, floats: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Run a packed file in a fresh process, on one thread.

    Returns:
        Its logits; and as in _device.py, what was imported and how fast it is.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(path, folder / MODEL)
        np.save(folder / "images.npy", images)
        np.savez(folder / "float.npz", **floats)
        command = [sys.executable, str(Path(__file__).with_name("_device.py")), str(folder)]
        subprocess.run(command, check=True, env={**os.environ, **ONE_THREAD})
        found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
        return np.load(folder / "logits.npy"), found
