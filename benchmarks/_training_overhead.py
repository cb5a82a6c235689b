"""Job of a worker: what a library costs per operation when there is next to nothing to compute.

A chain of additions of arrays of one element, forward, and forward and backward.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from _training_ways import WAYS

Calls = dict[str, Callable[[], Any]]

OPS = 100
MODULES = {"qnn": "qnn_core", "numpy": "numpy", "torch": "torch", "jax": "jax"}


def imports(task: dict[str, Any]) -> Any:
    """Import the library."""
    return importlib.import_module(MODULES[task["way"]])


def build(task: dict[str, Any], library: Any) -> tuple[Calls, dict[str, Any]]:
    """Return the chains."""
    makers = {"qnn": _qnn, "numpy": _numpy, "torch": _torch, "jax": _jax}
    return makers[task["way"]](library), {"distribution": WAYS[task["way"]].versions[0]}


def chain(x: Any, one: Any) -> Any:
    y = x
    for _ in range(OPS):
        y = y + one
    return y


def _numpy(library: Any) -> Calls:
    x = np.ones(1, np.float32)
    return {"no gradient": lambda: chain(x, x)}


def _qnn(qnn: Any) -> Calls:
    x, one = qnn.Parameter([1.0]), qnn.Tensor([1.0])

    def without() -> None:
        with qnn.no_grad():
            chain(x, one)

    def both() -> None:
        x.grad = None
        chain(x, one).backward()

    return {"no gradient": without, "forward": lambda: chain(x, one), "forward, backward": both}


def _torch(torch: Any) -> Calls:
    torch.set_num_threads(1)
    x, one = torch.ones(1, requires_grad=True), torch.ones(1)

    def without() -> None:
        with torch.no_grad():
            chain(x, one)

    def both() -> None:
        x.grad = None
        chain(x, one).backward()

    return {"no gradient": without, "forward": lambda: chain(x, one), "forward, backward": both}


def _jax(jax: Any) -> Calls:
    x = jax.numpy.ones(1)
    gradient = jax.grad(lambda x, one: chain(x, one)[0])
    compiled, compiled_gradient = jax.jit(chain), jax.jit(gradient)
    return {
        "no gradient": lambda: chain(x, x).block_until_ready(),
        "forward, backward": lambda: gradient(x, x).block_until_ready(),
        "one jitted call": lambda: compiled(x, x).block_until_ready(),
        "one jitted call, backward": lambda: compiled_gradient(x, x).block_until_ready(),
    }
