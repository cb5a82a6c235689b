"""Every kernel, forced, gives the sums and codes of NumPy at awkward sizes, under sanitizers."""

import shutil

import numpy as np
import pytest
from c_products import expected, product, run
from qnn_core.deploy.c.kernels import KERNELS
from qnn_core.gemm import Window

COMPILERS = [c for c in ("gcc", "clang") if shutil.which(c)]

pytestmark = pytest.mark.skipif(not COMPILERS, reason="no C compiler here")


def weights(low, high, *shape, step=1):
    return step * np.random.default_rng(sum(shape)).integers(low, high + 1, shape)


def signs(*shape):
    return 2 * weights(0, 1, *shape) - 1


PIXELS = np.arange(256) // 2 - 20
STEPS = np.arange(256) // 17

CASES = {
    "one input, one output": lambda: product(weights(-8, 7, 1, 1, 1, 1), (1, 1, 1)),
    "4 bits, 13 of 77, thresholds": lambda: product(
        weights(-8, 7, 13, 1, 1, 77), (1, 1, 77), thresholds=15, turned=True
    ),
    "4 bits, long sums": lambda: product(weights(-8, 7, 9, 1, 1, 700), (1, 1, 700)),
    "4 bits, none negative": lambda: product(weights(0, 15, 9, 1, 1, 300), (1, 1, 300)),
    "4 bits, odd": lambda: product(
        2 * weights(-8, 7, 16, 1, 1, 65) + 1, (1, 1, 65), input_high=15, thresholds=3
    ),
    "4 bits, with an offset": lambda: product(
        weights(-7, 7, 11, 1, 1, 40), (1, 1, 40), input_high=15, offset=7
    ),
    "4 bits, many rows": lambda: product(
        weights(-8, 7, 33, 1, 1, 12), (1, 3, 12), input_high=15, thresholds=15
    ),
    "4 bits, pixels through a table": lambda: product(
        weights(-8, 7, 10, 1, 1, 90), (1, 1, 90), table=PIXELS, thresholds=15
    ),
    "2 bits, 64 of 100": lambda: product(
        weights(-1, 1, 64, 1, 1, 100), (1, 1, 100), input_high=15, thresholds=15, turned=True
    ),
    "2 bits, 8-bit inputs": lambda: product(weights(-2, 1, 37, 1, 1, 515), (1, 1, 515)),
    "2 bits of a step": lambda: product(
        weights(-2, 1, 21, 1, 1, 31, step=5), (1, 1, 31), input_high=3, thresholds=3
    ),
    "bits on bits": lambda: product(
        signs(70, 1, 1, 261), (1, 1, 261), input_high=1, thresholds=1, turned=True
    ),
    "bits on bits, sums": lambda: product(signs(10, 1, 1, 64), (1, 1, 64), input_high=1),
    "bits on signs": lambda: product(
        signs(40, 1, 1, 50), (1, 1, 50), table=2 * (np.arange(256) > 99) - 1, thresholds=1
    ),
    "0 and 1 on bits": lambda: product(
        weights(0, 1, 35, 1, 1, 64), (1, 1, 64), input_high=1, thresholds=1
    ),
    "1 bit, 4-bit inputs": lambda: product(
        signs(32, 1, 1, 33), (1, 1, 33), input_high=15, thresholds=15
    ),
    "8 bits": lambda: product(weights(-127, 127, 11, 1, 1, 77), (1, 1, 77), thresholds=15),
    "8 bits, uneven": lambda: product(
        np.random.default_rng(1).choice([-64, -9, 0, 5, 100], (9, 1, 1, 20)), (1, 1, 20)
    ),
    "12 bits": lambda: product(weights(-2000, 2000, 3, 1, 1, 20), (1, 1, 20)),
    "3 x 3": lambda: product(
        weights(-8, 7, 10, 3, 3, 3), (7, 6, 3), Window((3, 3)), input_high=15, thresholds=15
    ),
    "3 x 3, padded, 8-bit inputs": lambda: product(
        weights(-8, 7, 9, 3, 3, 13), (5, 4, 13), Window((3, 3), padding=(1, 1)), thresholds=15
    ),
    "3 x 3, pixels, pool": lambda: product(
        weights(-8, 7, 8, 3, 3, 1),
        (9, 8, 1),
        Window((3, 3)),
        table=STEPS,
        thresholds=15,
        turned=True,
        pool=Window((2, 2), (2, 2)),
    ),
    "5 x 3, strides, padding": lambda: product(
        weights(-1, 1, 20, 5, 3, 4),
        (9, 8, 4),
        Window((5, 3), (2, 3), (2, 1)),
        input_high=15,
        thresholds=7,
    ),
    "3 x 3, dilation, padding": lambda: product(
        weights(-8, 7, 8, 3, 3, 2), (8, 9, 2), Window((3, 3), (1, 2), (2, 2), (2, 2)), input_high=15
    ),
    "3 x 3, two groups": lambda: product(
        weights(-8, 7, 16, 3, 3, 3), (5, 5, 6), Window((3, 3), padding=(1, 1)), groups=2
    ),
    "1 x 1": lambda: product(
        weights(-8, 7, 24, 1, 1, 16), (3, 5, 16), Window((1, 1)), input_high=15, thresholds=15
    ),
    "1 x 1, 2 bits, pool": lambda: product(
        weights(-1, 1, 32, 1, 1, 9),
        (5, 4, 9),
        Window((1, 1)),
        input_high=15,
        thresholds=15,
        pool=Window((2, 2), (2, 2)),
    ),
    "3 x 3, 8 bits, one channel, pixels": lambda: product(
        weights(-127, 127, 5, 3, 3, 1),
        (8, 7, 1),
        Window((3, 3), padding=(1, 1)),
        table=PIXELS,
        thresholds=15,
    ),
    "depthwise 3 x 3": lambda: product(
        weights(-127, 127, 5, 3, 3, 1), (7, 6, 5), Window((3, 3)), groups=5, thresholds=15
    ),
    "depthwise 3 x 3, odd, padded": lambda: product(
        weights(-8, 7, 3, 3, 3, 1),
        (5, 5, 3),
        Window((3, 3), padding=(1, 1)),
        groups=3,
        thresholds=255,
        turned=True,
    ),
    "depthwise 3 x 3, pool": lambda: product(
        weights(-127, 127, 4, 3, 3, 1),
        (9, 10, 4),
        Window((3, 3), padding=(1, 1)),
        groups=4,
        thresholds=15,
        pool=Window((2, 2), (2, 2)),
    ),
    "depthwise 3 x 3, stride": lambda: product(
        weights(-127, 127, 4, 3, 3, 1),
        (9, 8, 4),
        Window((3, 3), (2, 2), (1, 1)),
        groups=4,
        input_high=100,
        offset=0,
    ),
    "depthwise 5 x 5, two each": lambda: product(
        weights(-7, 7, 6, 5, 5, 1), (7, 7, 3), Window((5, 5), padding=(2, 2)), groups=3
    ),
    "depthwise, dilation": lambda: product(
        weights(-7, 7, 3, 3, 3, 1), (8, 7, 3), Window((3, 3), dilation=(2, 2)), groups=3, offset=3
    ),
}

PAIRS = [
    pytest.param(case, kernel, id=f"{kernel.name}: {case}")
    for case, make in CASES.items()
    for kernel in KERNELS
    if kernel.fits(make())
]


def inputs(p):
    """Some of all kinds: any codes, half of them zeros, all the least, all the greatest."""
    rng = np.random.default_rng(3)
    high = 255 if p.table is not None else p.input_high + p.offset
    x = rng.integers(0, high + 1, (6, *p.image))
    x[2:4][rng.random((2, *p.image)) < 0.5] = 0
    x[4], x[5] = 0, high
    return x.astype(np.uint8)


@pytest.mark.parametrize(("case", "kernel"), PAIRS)
def test_a_kernel_gives_what_numpy_gives(case, kernel, tmp_path):
    p = CASES[case]()
    x = inputs(p)
    wanted = expected(p, x)
    for optimize, compilers in (("speed", COMPILERS), ("size", COMPILERS[:1])):
        made = run(p, kernel, x, tmp_path, optimize=optimize, compilers=compilers)
        assert np.array_equal(made, wanted), optimize


@pytest.mark.parametrize(("case", "kernel"), PAIRS)
def test_a_kernel_says_what_it_costs(case, kernel):
    p = CASES[case]()
    assert kernel.nbytes(p) > 0
    for target in ("rv32ec", "rv32emc", "rv32imc", "m0", "m4", "avr"):
        assert kernel.cycles(p, target) > 0


def test_every_product_has_a_kernel():
    assert set(CASES) == {pair.values[0] for pair in PAIRS}
