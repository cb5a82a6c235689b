"""Job of a worker: training steps of one way, on batches that are in memory."""

import importlib
import platform
from collections.abc import Callable
from importlib.metadata import version
from itertools import cycle
from typing import Any

from _training_nets import NETS, VARIANTS, batches
from _training_ways import WAYS


def imports(task: dict[str, Any]) -> Any:
    """Import the way's module, and with it its library."""
    return importlib.import_module(WAYS[task["way"]].module)


def build(task: dict[str, Any], module: Any) -> tuple[dict[str, Callable[[], Any]], dict[str, Any]]:
    """Return the step, and what is to be said of it: that it learns, too."""
    net, variant = NETS[task["net"]], VARIANTS[task["variant"]]
    enter, step, note = module.build(task["way"], net, variant, task["threads"])
    data = [enter(x, labels) for x, labels in batches(net, variant)]
    losses = [float(step(*data[0]))]
    for _ in range(3):
        for batch in data[1:]:
            step(*batch)
    losses.append(float(step(*data[0])))
    endless = cycle(data)
    facts = {"note": note, "losses": losses, "versions": versions(task["way"])}
    return {"step": lambda: step(*next(endless))}, facts


def versions(way: str) -> dict[str, str]:
    """Return the versions of what is timed."""
    found = {name: version(name) for name in WAYS[way].versions}
    return {**found, "python": platform.python_version()}
