"""Random orders that are the same on every machine and with every version of NumPy."""

import numpy as np
from numpy.typing import NDArray


def random_order(count: int, *seed: int) -> NDArray[np.int64]:
    """Return 0..count-1 in an order that is a pure function of `count` and `seed`.

    NumPy keeps the stream of a bit generator's raw output, but not that of `Generator.permutation`
    (NEP 19). Hence: sort random keys. Each carries its index in its low bits, so all differ and
    any sorting algorithm gives the same order.
    """
    low_bits = np.uint64((1 << max(count - 1, 0).bit_length()) - 1)
    keys = np.random.PCG64(np.random.SeedSequence(seed)).random_raw(count)
    keys &= ~low_bits
    keys |= np.arange(count, dtype=np.uint64)
    keys.sort()
    return (keys & low_bits).astype(np.int64)
