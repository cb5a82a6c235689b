"""Single products for the tests of kernels: made, computed by NumPy, run as C under sanitizers."""

import subprocess
from pathlib import Path

import numpy as np
from qnn_core.deploy.c.arena import arena
from qnn_core.deploy.c.kernels import Kernel
from qnn_core.deploy.c.plan import Decision, Output, Plan, Product, Value
from qnn_core.deploy.c.text.decisions import written
from qnn_core.deploy.c.text.header import header
from qnn_core.deploy.c.text.source import Generated, source
from qnn_core.deploy.compile.exact_line import exact_lines
from qnn_core.gemm import Window

WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror")
# Unoptimized: every access is in the program to be watched, and it is compiled in half the time.
SANITIZERS = ("-O0", "-g1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all")

MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
#include "net.h"
int main(void)
{
    uint8_t *x = malloc(NET_INPUTS);
    int32_t *y = malloc(NET_OUTPUTS * sizeof *y);
    uint8_t *scratch = malloc(NET_SCRATCH + 1);
    while (fread(x, 1, NET_INPUTS, stdin) == NET_INPUTS) {
        size_t i;
        for (i = 0; i < NET_SCRATCH; i++) scratch[i] = 0xa5;
        net_sums(x, y, scratch);
        fwrite(y, sizeof *y, NET_OUTPUTS, stdout);
    }
    free(x);
    free(y);
    free(scratch);
    return 0;
}
"""


def product(
    weights,
    image,
    window=None,
    *,
    groups=1,
    offset=0,
    table=None,
    input_high=255,
    pool=None,
    thresholds=0,
    turned=False,
    seed=0,
):
    """Return a product of weights ``[n, kh, kw, channels / groups]``; linear without window.

    Args:
        thresholds: how many each channel has, spread over its sums; 0 for the sums themselves.
    """
    rng = np.random.default_rng(seed)
    weights = np.asarray(weights, np.int64)
    linear = window is None
    window = Window(weights.shape[1:3]) if linear else window
    entries = np.arange(input_high + 1) - offset if table is None else np.asarray(table)
    x_low, x_high = int(entries.min()), int(entries.max())
    if any(window.padding):
        x_low, x_high = min(x_low, 0), max(x_high, 0)
    rows = weights.reshape(len(weights), -1)
    plus, minus = np.clip(rows, 0, None).sum(1), np.clip(rows, None, 0).sum(1)
    low, high = plus * x_low + minus * x_high, plus * x_high + minus * x_low
    decision = None
    if thresholds:
        flips = rng.random(len(weights)) < (0.5 if turned else 0.0)
        first, last = np.where(flips, -high, low), np.where(flips, -low, high)
        middle, wide = (first + last) / 2, (last - first) / 4
        at = np.sort(middle + wide * rng.uniform(-1, 1, (thresholds, len(weights))), axis=0)
        at = np.clip(np.round(at).astype(np.int64), first, last + 1)
        decision = decided_at(at, first, last, flips)
    kind = "pixels" if table is not None else "codes"
    given = Value("input", kind, image)
    made = Product(
        path="layer",
        layer="Test",
        sources=(given,),
        target=given,
        identifier="layer",
        image=image,
        window=window,
        groups=groups,
        weights=weights,
        weight_bits=4,
        offset=offset,
        table=None if table is None else entries.astype(np.int64),
        input_bits=8,
        input_low=x_low,
        input_high=x_high,
        low=low,
        high=high,
        pool=pool,
        decision=decision,
        is_linear=linear,
    )
    shape = (*made.pooled, len(weights))
    nbytes = 1 if thresholds else 4
    target = Value("target", "codes" if thresholds else "sums", shape, nbytes=nbytes)
    return Product(**{**made.__dict__, "target": target})


def decided_at(thresholds, first, last, turned):
    """Return the decision of thresholds ``[T, n]`` on sums from `first` to `last`, turned."""
    reach = np.maximum(np.abs(first), np.abs(last))
    given = np.where(
        thresholds > last, reach + 1, np.where(thresholds <= first, -reach, thresholds)
    )
    lines = exact_lines(given, reach)
    return Decision(thresholds, turned, first, last, lines, 0)


def expected(p, x):
    """Return codes or sums of inputs ``[samples, height, width, channels]`` by NumPy."""
    entries = x.astype(np.int64)
    entries = entries - p.offset if p.table is None else p.table[entries]
    patches = p.window.patches(entries).astype(np.int64)
    inputs, each = p.image[2] // p.groups, p.n // p.groups
    sums = np.zeros((*patches.shape[:3], p.n), np.int64)
    for g in range(p.groups):
        part = patches[..., g * inputs : (g + 1) * inputs]
        w = p.weights[g * each : (g + 1) * each]
        sums[..., g * each : (g + 1) * each] = np.einsum("bijyxc,nyxc->bijn", part, w)
    assert np.all(sums >= p.low)
    assert np.all(sums <= p.high)
    if p.decision is not None:
        sums = np.where(p.decision.turned, -sums, sums)
    if p.pool is not None:
        sums = p.pool.patches(sums).max(axis=(3, 4))
    if p.decision is None:
        return sums
    return (sums[..., None, :] >= p.decision.thresholds).sum(axis=-2)


def generated(p, kernel: Kernel, optimize="speed"):
    """Return the text of a net that is this product alone."""
    plan = Plan(p.sources[0], (p,), (Output(p.target, None, (), ""),))
    decision = written(p.decision, "layer")
    prepared = kernel.prepare(p, "layer", decision)
    places = arena(plan, [prepared.work])
    g = Generated("net", plan, (decision,), {0: prepared}, places, optimize, (), False)
    return {"net.h": header(g), "net.c": source(g)}


def run(p, kernel: Kernel, x, folder: Path, *, optimize="speed", compilers=("gcc",)):
    """Return what the C makes of inputs; no compiler may warn, the first one runs it."""
    for name, text in (generated(p, kernel, optimize) | {"main.c": MAIN}).items():
        (folder / name).write_text(text)
    net, main, program = (str(folder / file) for file in ("net.c", "main.c", "net"))
    # Apart: sanitizers make GCC warn of conversions that are none.
    commands = [[c, *WARNINGS, "-c", "-O2", net, "-o", program] for c in compilers]
    commands.append([compilers[0], "-std=c99", *SANITIZERS, net, main, "-o", program])
    for command in commands:
        called = subprocess.run(command, capture_output=True, text=True, check=False)
        assert called.returncode == 0, called.stderr
    ran = subprocess.run([program], input=x.tobytes(), capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    return np.frombuffer(ran.stdout, np.int32).reshape(len(x), *p.target.shape)
