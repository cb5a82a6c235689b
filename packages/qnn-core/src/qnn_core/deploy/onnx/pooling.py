"""Maxima and means of windows on images."""

import math
from itertools import product
from typing import Any

import numpy as np

from ...gemm import Window
from ..graph import Node
from .document import Document
from .emission import Emission
from .moving import kind_of, source

# Our means are sums of so many pixels in float32, which are added up in double.
BLOCK = 64


def max_pool2d(e: Emission, node: Node) -> None:
    """Write a maximum, of codes where there are codes."""
    kind, x = kind_of(e, node), source(e, node, "first")
    y = e.document.add("MaxPool", [x], node.output, **_attributes(node))
    e.put(node.output, y, "first", kind)


def mean_as_it_is(e: Emission, node: Node) -> None:
    """Write a mean as ONNX has it."""
    e.note(node, "the sums of its means are in an order that ONNX leaves open")
    x = e.values(node.inputs[0], "first")
    y = e.document.add("AveragePool", [x], node.output, count_include_pad=1, **_attributes(node))
    e.put(node.output, y, "first")


def mean_in_order(e: Emission, node: Node) -> None:
    """Write a mean as ours: the pixels of a window added one after the other, line by line."""
    name, layout = node.output, e.native(node.inputs[0])
    x = e.values(node.inputs[0], layout)
    window = Window(*(node.attributes[n] for n in ("kernel", "stride", "padding")))
    axes = (2, 3) if layout == "first" else (1, 2)
    height, width = e.shapes[node.inputs[0]][1:3]
    add, constant = e.document.add, e.document.constant
    output = window.output(height, width)
    if math.prod(window.kernel) > BLOCK and any(window.padding):
        # Ours are blocks of those pixels that are in the image.
        mean_as_it_is(e, node)
        return
    if any(window.padding):
        pads = np.zeros((2, 4), np.int64)
        pads[:, axes] = window.padding
        x = add("Pad", [x, constant(pads.reshape(-1), f"{name}_pads")], f"{name}_padded")
    pixels = pixels_of(e.document, x, window, output, name=name, axes=axes)
    blocks = []
    for first in range(0, len(pixels), BLOCK):
        total = ""
        for one in pixels[first : first + BLOCK]:
            total = add("Add", [total, one], f"{name}_sum") if total else one
        blocks.append(total)
    if len(blocks) == 1:
        count = constant(np.float32(len(pixels)), "pixels")
        e.put(name, add("Div", [blocks[0], count], name), layout)
        return
    total = ""
    for part in blocks:
        wide = e.document.cast(part, "float64", f"{name}_block")
        total = add("Add", [total, wide], f"{name}_sum") if total else wide
    mean = add("Div", [total, constant(np.float64(len(pixels)), "pixels")], f"{name}_mean")
    e.put(name, e.document.cast(mean, "float32", name), layout)


def pixels_of(
    document: Document,
    x: str,
    window: Window,
    output: tuple[int, int],
    *,
    name: str,
    axes: tuple[int, int] = (1, 2),
) -> list[str]:
    """Write each pixel of all windows on padded images, line by line.

    Args:
        document: that is written to.
        x: name of the images.
        window: without its padding.
        output: how many windows there are.
        name: of what this is for.
        axes: of height and width.
    """
    made = []
    for pixel in product(*map(range, window.kernel)):
        starts = [at * apart for at, apart in zip(pixel, window.dilation, strict=True)]
        stops = [
            start + (count - 1) * stride + 1
            for start, count, stride in zip(starts, output, window.stride, strict=True)
        ]
        parts = {"start": starts, "stop": stops, "axes": axes, "step": window.stride}
        ends = [document.constant(np.array(p, np.int64), f"{name}_{at}") for at, p in parts.items()]
        made.append(document.add("Slice", [x, *ends], f"{name}_pixel"))
    return made


def _attributes(node: Node) -> dict[str, Any]:
    kernel, stride, padding = (node.attributes[n] for n in ("kernel", "stride", "padding"))
    return {"kernel_shape": kernel, "strides": stride, "pads": (*padding, *padding)}
