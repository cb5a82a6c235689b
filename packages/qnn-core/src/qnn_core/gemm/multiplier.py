"""A product of codes that is taken again and again: what is decided once, and its arrays."""

import numpy as np

from .._kernels import engine
from ..machine import cpu
from ..machine.threads import LEAST_WORK
from .gemm import RATES
from .layouts import PANEL, aligned, padded, per_column, row_bytes
from .operand import GemmOperand
from .prepack import integer_form, kernel_kind


def multiplier(x: GemmOperand, w: GemmOperand, m: int, n: int, k: int) -> engine.Multiplier | None:
    """Return what multiplies codes ``[m, k]`` by codes ``[n, k]``, to the bits of `gemm.product`.

    None if there is no kernel of integers with one zero point for these.

    Args:
        x: what the codes on the left are; with any scale.
        w: likewise on the right.
        m: rows on the left.
        n: rows on the right.
        k: length of the sums.
    """
    kind = kernel_kind(x, w, k)
    if x.integer_levels is None or w.integer_levels is None:
        return None
    form = integer_form(kind, x.integer_levels, w.integer_levels, k)
    if form is None:
        return None
    planes = len(form.by_plane)
    words, stride = -(-k // (32 if form.form == "bits" else 4)), row_bytes(form.form, k, planes)
    panels = aligned((padded(n) // PANEL, planes * words, PANEL), np.uint32)
    scale, bias = (per_column(0.0, n, np.float32) for _ in range(2))
    offset = per_column(0, n, np.int32)
    rows = row_bytes(form.form, k, form.x_bits)
    program = engine.Program(cpu.active_index(), [k, 4 * n, rows], 2)
    of_x = engine.Requantizer(format=form.form, bits=form.x_bits, count=0, elements=form.x_elements)
    program.layout(0, 2, k, of_x)
    weights = form.weights(k, n, panels=panels, offset=offset, scale=scale, bias=bias)
    program.product(2, 1, weights, "float")
    pairs = form.x_bits if kind == "planes" else 1
    return engine.Multiplier(
        path=cpu.active_index(),
        rows=m,
        n=n,
        k=k,
        program=program,
        requantizer=engine.Requantizer(
            format=form.form,
            bits=planes if form.form == "bits" else 8,
            count=0,
            elements=form.w_elements,
        ),
        panels=panels,
        sums=np.zeros((n, planes), np.int32),
        offset=offset,
        scale=scale,
        bias=bias,
        by_plane=form.by_plane,
        constant=form.constant,
        words=words,
        stride=stride,
        most=max(1, int(m * n * k * pairs / RATES[kind] / LEAST_WORK)),
    )
