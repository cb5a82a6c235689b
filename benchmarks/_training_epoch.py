"""Job of a worker: a whole epoch through loader and `fit`, beside the bare steps of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from _training_nets import NETS, VARIANTS
from _training_numpy import build as by_hand
from _training_qnn import make, step_of


def imports(task: dict[str, Any]) -> Any:
    """Do nothing: all it needs is ours, and imported above."""


def build(task: dict[str, Any], _: Any) -> tuple[dict[str, Callable[[], Any]], dict[str, Any]]:
    """Return an epoch of each way.

    ``bare``: float batches in memory. ``fit``: uint8 images, decoded, checked, scored; the same
    model, since where its arrays lie makes a step differ by more than `fit` takes. ``augmented``:
    that, each image shifted, turned and scaled. ``numpy``: the bare steps of a float net written by
    hand.
    """
    data, train = _data(task["data"])
    net, variant = NETS["mlp"], VARIANTS[task["variant"]]
    qnn.set_num_threads(task["threads"])
    loader = qnn_data.DataLoader(train, net.batch, shuffle=True, seed=0)
    augment = qnn_data.Augment(shift=2, rotation=10, scale=0.1)
    augmented = qnn_data.DataLoader(train, net.batch, shuffle=True, seed=0, augment=augment)
    batches = [(x.astype(np.float32), y) for x, y in loader]
    model = make(net, variant)
    optimizer = qnn.optim.SGD(model.parameters(), lr=net.lr)
    steps: dict[str, Callable[..., Any]] = {"bare": qnn.compiled(step_of(model, optimizer))}
    if variant.bits == 32:
        steps["numpy"] = by_hand("numpy", net, variant, task["threads"])[1]

    def bare(step: Callable[..., Any]) -> None:
        model.train()
        for x, labels in batches:
            step(x, labels)

    def fit(batches: Any) -> None:
        qnn.fit(model, batches, epochs=1, optimizer=optimizer, progress=False)

    calls: dict[str, Callable[[], Any]] = {
        name: partial(bare, step) for name, step in steps.items()
    }
    calls |= {"fit": partial(fit, loader), "augmented": partial(fit, augmented)}
    return calls, {"data": data, "images": len(train)}


def _data(wanted: str) -> tuple[str, Any]:
    """Return the training images; the bundled set where the wanted one is not to be had."""
    try:
        return wanted, qnn_data.load(wanted)[0]
    except (OSError, qnn_data.DataError):
        return "mnist-mini", qnn_data.load("mnist-mini")[0]
