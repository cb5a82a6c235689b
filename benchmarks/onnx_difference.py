"""Compare nets in onnxruntime with the packed models that they were exported from.

    python benchmarks/onnx_difference.py [--images 10000] [--nets mlp lenet resnet depthwise]

Each net is trained for a moment on the bundled digits, at 1, 2, 4 and 8 bits; every layer takes
codes, the first those of 8 bits. QNN_DATA names the folder of MNIST, whose test images are taken.
Times are of onnxruntime for all images in batches of 100, on one thread.
"""

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import qnn_core as qnn
import qnn_data
from tabulate import tabulate

BATCH = 100
Build = Callable[..., Any]
NETS: dict[str, Build] = {
    "mlp": partial(qnn.MLP, [784, 256, 256, 10], batch_norm=True),
    "lenet": partial(qnn.LeNet, batch_norm=True),
    "resnet": qnn.ResNet,
    "depthwise": partial(qnn.DSCNN, (28, 28, 1), channels=32, blocks=3, classes=10),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=10_000, help="how many are compared")
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--forms", nargs="+", default=["integer"], help="of the files")
    options = parser.parse_args()
    _, test = qnn_data.load("mnist")
    images = test[: options.images][0]
    heads = ("net", "bits", "form", "difference", "answers differ", "inexact", "ms an image")
    rows = []
    for name in options.nets:
        for bits in (1, 2, 4, 8):
            packed = trained(NETS[name], bits)
            for form in options.forms:
                rows.append((name, bits, form, *compared(packed, form, images)))
                print(*rows[-1], flush=True)
    print(f"\n{len(images):,} images, onnxruntime {onnxruntime.__version__}\n")
    print(tabulate(rows, headers=heads))


def trained(build: Build, bits: int) -> qnn.PackedModel:
    """Return a net after an epoch on a part of the bundled digits, packed."""
    weight = "binary" if bits == 1 else f"symmetric:{bits}"
    inner = f"uniform:{bits}"
    ends = {"first_weight": weight, "last_weight": weight, "last_input": inner}
    model = build(weight=weight, input=inner, first_input="uniform:8", **ends, seed=0)
    train, _ = qnn_data.load("mnist-mini")
    images, labels = train[:1000]
    qnn.fit(model, (images, labels), epochs=1, optimizer=qnn.optim.Adam(model.parameters(), 1e-3))
    return qnn.pack(model.eval(), images[:50])


def compared(packed: qnn.PackedModel, form: str, images: Any) -> tuple[Any, ...]:
    """Return what differs between a file and the model, and how long the file takes."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "net.onnx")
        exported = packed.export_onnx(path, form, example=images[:10])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        (given,) = session.get_inputs()
        batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        session.run(None, {given.name: batches[0]})
        began = time.perf_counter()
        theirs = np.concatenate([session.run(None, {given.name: x})[0] for x in batches])
        seconds = time.perf_counter() - began
    ours = np.concatenate([packed(x) for x in batches])
    differ = int(np.any(ours != theirs, axis=1).sum())
    most = float(np.abs(ours - theirs).max())
    return most, differ, len(exported.inexact), round(1000 * seconds / len(images), 3)


if __name__ == "__main__":
    main()
