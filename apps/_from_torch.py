"""What from_torch.py needs beside its subject: options, and the net that comes from PyTorch."""

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
from _arguments import add_dataset, add_out, add_quick, app_parser, whole
from _deploy_c import NAME

EXPORTED = Path(__file__).with_name("from_torch.onnx")
REPORT = "report.html"
__all__ = ["EXPORTED", "NAME", "REPORT", "arguments", "float_net"]


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """Return the command line."""
    parser = app_parser("from_torch", doc)
    add_dataset(parser)
    parser.add_argument("--epochs", type=whole(1), metavar="N", help="of each width (default: 3)")
    parser.add_argument("--seeds", type=whole(1), metavar="N", help="(default: 5)")
    parser.add_argument(
        "--train",
        action="store_true",
        help="train the CNN in PyTorch, 5 epochs, in place of taking it from from_torch.onnx",
    )
    parser.add_argument(
        "--export", action="store_true", help="with --train: write it to from_torch.onnx"
    )
    add_out(parser, "from_torch")
    add_quick(parser, "1 epoch on 1,000 samples from one seed")
    return parser


def float_net(data: tuple[np.ndarray, np.ndarray], given: argparse.Namespace) -> qnn.Module:
    """Return the CNN as a model of ours, its normalization folded into its convolutions."""
    if not given.train:
        print(f"the CNN is that of {EXPORTED.name}, trained in PyTorch (--train trains it anew)")
        return qnn.from_onnx(EXPORTED, batch_norm="fold")
    if find_spec("torch") is None:
        raise qnn.QnnError("--train needs PyTorch: pip install torch")
    torch_net = trained(data)
    example = data[0][:1]
    if given.export:
        import torch  # noqa: PLC0415 # it is optional

        # Normalization stays in layers of its own: folding is up to whoever reads the file.
        kept = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
        names = {"input_names": ["images"], "dynamic_axes": {"images": {0: "batch"}}}
        options = {"dynamo": False, "opset_version": 17} | kept | names
        torch.onnx.export(torch_net, (torch.from_numpy(example),), EXPORTED, **options)
    return qnn.from_torch(torch_net, example, batch_norm="fold")


def trained(data: tuple[np.ndarray, np.ndarray]) -> Any:
    """Return a CNN of PyTorch's, trained there."""
    import torch  # noqa: PLC0415 # it is optional
    from torch import nn  # noqa: PLC0415 # likewise

    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 3 * 3, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    images, labels = (torch.from_numpy(np.ascontiguousarray(a)) for a in data)
    for epoch in range(5):
        order = torch.randperm(len(images))
        for at in order.split(100):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(images[at]), labels[at].long())
            loss.backward()
            optimizer.step()
        print(f"PyTorch, epoch {epoch + 1}: loss {loss.item():.3f}")
    return net.eval()
