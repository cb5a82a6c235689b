"""Train nets in PyTorch, bring them in, and say what is equal and what fewer bits cost.

    python benchmarks/importing.py              (needs torch, onnx, onnxruntime; 15 minutes)

Writes docs/results/importing/README.md. First the stored nets of tests/nets: the operators of each,
and its greatest difference from onnxruntime. Then four nets that are trained here on MNIST
(mnist-mini, 6,000 images of 28 x 28; wider nets get them with a border, in three channels): their
accuracy in PyTorch and here, with all weights and activations quantized after training, and trained
on at fewer bits from the imported weights.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "nets"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

import numpy as np
import onnx
import qnn_core as qnn
import qnn_data
import torch
from onnx_files import answers, inputs_of, path_of, stored
from qnn_compare import Comparison, Config, compare
from qnn_core.files import atomic_write
from tabulate import tabulate
from torch_nets import build

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "results" / "importing" / "README.md"
NETS = ("lenet", "resnet8", "mobilenet_v2", "mobilenet_v3")
WIDTHS = (8, 4, 3, 2, 1)
SEEDS, EPOCHS = 3, 3
SAMPLES = 100

Data = tuple[np.ndarray, np.ndarray]


def main() -> int:
    differences = [row for name in stored() if (row := difference(name))]
    accuracies = [trained(name) for name in NETS]
    text = TEXT.format(
        seeds=SEEDS,
        epochs=EPOCHS,
        samples=SAMPLES,
        torch=torch.__version__,
        differences=table(differences, ["net", "operators", "steps", "difference"]),
        accuracies=table(
            accuracies,
            ["net", "lines", "PyTorch", "here, float", "8 bits, not trained on"]
            + [f"{bits} bit{'s' * (bits > 1)}" for bits in WIDTHS],
        ),
    )
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(PAGE, text.encode())
    print(text)
    return 0


def difference(name: str) -> list[Any] | None:
    """Return what is said of a stored net, None where onnxruntime cannot run it."""
    shape, batch = inputs_of(name)
    proto = onnx.load(path_of(name))
    if any(node.domain.startswith("qonnx") for node in proto.graph.node):
        return None
    try:
        net = qnn.from_onnx(path_of(name))
    except qnn.ConversionError:
        return None
    x = np.random.default_rng(0).normal(size=(batch or SAMPLES, *shape)).astype(np.float32)
    (theirs, *_), ours = answers(path_of(name), x), net(x)
    ours = ours[0] if isinstance(ours, tuple) else ours
    relative = np.abs(ours.data - theirs).max() / np.abs(theirs).max()
    types = sorted({node.op_type for node in proto.graph.node} - {"Constant"})
    return [name, ", ".join(types), len(net.steps), f"{relative:.1e}"]


def trained(name: str) -> list[Any]:
    """Return what is said of a net that is trained in PyTorch."""
    training, test = (images(data, name) for data in qnn_data.load("mnist-mini"))
    module = train(name, training)
    with torch.no_grad():
        scores = module(torch.from_numpy(test[0])).numpy()
    net = qnn.from_torch(module, test[0][:1], batch_norm="fold")
    data = (training, test)
    after = qnn.quantize(net, **ENDS, **specs(8), calibration=training[0][:500])
    found = compare(
        qnn.as_builder(net, **ENDS),
        data,
        configs=[
            Config("float", start=net),
            *(Config(f"{bits} bits", start=net, **specs(bits)) for bits in WIDTHS),
        ],
        seeds=SEEDS,
        epochs=EPOCHS,
        margin=0.01,
    )
    plain = [accuracy(scores, test), accuracy(net(test[0]).data, test)]
    plain.append(accuracy(after(test[0]).data, test))
    lines = len(LINES.strip().splitlines())
    return [name, lines, *(f"{100 * share:.1f}" for share in plain), *widths(found)]


# What of `trained` a user writes, from the net to the report.
LINES = """
net = qnn.from_torch(module, example, batch_norm="fold")
widths = {8: ("symmetric:8", "uniform:8"), 4: ("symmetric:4", "uniform:4"), ...}
configs = [Config("float", start=net)]
configs += [Config(f"{b} bits", weight=w, input=i, start=net) for b, (w, i) in widths.items()]
build = qnn.as_builder(net, last_weight="same", last_input="same")
found = compare(build, data, configs=configs, seeds=3, epochs=3, margin=0.01)
found.report("report.html")
"""
ENDS: dict[str, Any] = {"first_input": "uniform:8", "last_weight": "same", "last_input": "same"}


def specs(bits: int) -> dict[str, Any]:
    weight = "binary" if bits == 1 else f"symmetric:{bits}"
    # What enters a layer of these nets may be negative (hard swish, sums).
    return {"weight": weight, "input": f"uniform:{bits}"}


def widths(found: Comparison) -> Iterator[str]:
    for bits in WIDTHS:
        name = f"{bits} bits"
        estimate = found.accuracy(name)
        verdict = found.verdicts.get((name, "float"), "")
        spread = "" if estimate is None else f"{100 * estimate.mean:.1f}"
        yield f"{spread} {MARKS.get(str(verdict), '')}".strip()


MARKS = {"worse": "worse", "equivalent": "=", "better": "better", "undecided": "?"}


def images(data: Any, name: str) -> Data:
    """Return images as a net wants them, and labels."""
    x = data.images.reshape(-1, 1, 28, 28).astype(np.float32) / 255
    if name != "lenet":
        x = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))).repeat(3, axis=1)
    return x, np.asarray(data.labels)


def train(name: str, data: Data) -> torch.nn.Module:
    """Return a net of tests/nets, trained in PyTorch."""
    torch.manual_seed(0)
    module, _ = build(name)
    for layer in module.modules():
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()  # the stored nets have other numbers
    module.train()
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    x, y = (torch.from_numpy(np.ascontiguousarray(a)) for a in data)
    for _ in range(8):
        for at in torch.randperm(len(x)).split(100):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(x[at]), y[at].long()).backward()
            optimizer.step()
    return module.eval()


def accuracy(scores: np.ndarray, data: Data) -> float:
    return float(np.mean(scores.argmax(-1) == data[1]))


def table(rows: list[list[Any]], headers: list[str]) -> str:
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


TEXT = """# Nets that came in

Written by `python benchmarks/importing.py`, with PyTorch {torch}; see
[importing](../../importing.md).

## Stored nets

Those of `tests/nets`: name, exporter (PyTorch's two, scikit-learn's, onnxruntime's quantizer),
opset. The difference is the greatest one from onnxruntime, in units of its greatest output, over
{samples} samples (one where the file's batch is fixed). In `conv1d-qdq` and `inception-qdq` means
of codes lie halfway between two steps. Files of QONNX are held against QONNX's executor in the
tests.

{differences}

## Trained in PyTorch, then at fewer bits

MNIST, 6,000 + 1,000 images, 8 epochs in PyTorch from one seed. `lines` is what a user writes from
the net to the report. Quantized: all weights and activations; the image to 8 bits. 8 bits, not
trained on: `qnn.quantize`. The others are trained on from the imported weights, {epochs} epochs,
means of {seeds} seeds in percent, against a float net that was trained on alike: `=` within one
point, `worse`, `better`, `?` undecided (paired tests, 5 % over all by Holm).

{accuracies}
"""


if __name__ == "__main__":
    sys.exit(main())
