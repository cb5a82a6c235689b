"""Weights of few bits by bit-sliced counters: 32 outputs at a time, no multiplication.

A word holds one bit of the weights of 32 outputs for one input. Inputs with a bit set are listed,
and the words of the list are counted by carry-save adders (Harley and Seal) whose carries ripple
through slices in memory. Bit p of a weight's code and bit b of an input count from slice p + b on,
so nothing is left to combine. Weights are ``first + step * code``.

For inputs of one bit and one threshold, counters begin at minus the thresholds, and are compared
in slices: out come bits. With ``weight = first + step * code`` and inputs 0 and d, the sum is at
least t if ``2 * step * d * counts + 2 * first * d * listed >= 2 * t``; the second term must be a
whole number of halves of the step, as it is for -1 and 1, -1, 0 and 1, 0 and 1.
"""

import numpy as np

from ..plan import Integers, Product
from ..prepared import Prepared
from ..text.arrays import array
from ..text.decisions import Written
from .rows import input_digits, input_ends, is_rows
from .weights import Coded, coded

# Inputs that are listed at a time: lists of them take 2 bytes each.
BLOCK = 512

# Carries of the first words: three slices are in registers, and the fourth is read.
LEAST_SLICES = 5

# Cycles: of an input of a bit in the list, of a word that is added, of a plane of 32 outputs and a
# list, of 32 sums, of 32 bits.
_COSTS = {
    "rv32ec": (10.0, 10.5, 90.0, 1300.0, 330.0),
    "rv32emc": (10.0, 10.5, 90.0, 1300.0, 330.0),
    "rv32imc": (10.0, 9.0, 80.0, 1200.0, 300.0),
    "m0": (9.0, 11.5, 110.0, 1300.0, 300.0),
    "m4": (7.0, 8.0, 70.0, 900.0, 240.0),
    "avr": (20.0, 60.0, 400.0, 6000.0, 1500.0),
}


class Counters:
    """See the module."""

    name = "counters"
    code = 720

    def fits(self, product: Product) -> bool:
        """Rows of inputs from 0 to 255, or a constant beyond; weights of 4 bits, even steps."""
        return (
            is_rows(product)
            and product.n >= 8
            and product.k < 2**13
            and coded(product.weights).bits <= 4
        )

    def cycles(self, product: Product, target: str) -> float:
        """See `Kernel`."""
        listed, added, plane, sums, bits = _COSTS[target]
        rows, columns = product.output
        groups, planes = -(-product.n // 32), coded(product.weights).bits
        input_bits = input_digits(product, 1)
        # Half of the inputs are 0, and half of the bits of the others, a little more.
        filled = 0.5 * product.k if input_bits == 1 else 0.28 * product.k * input_bits
        blocks = -(-product.k // BLOCK)
        each = input_bits * product.k * listed
        each += groups * planes * (filled * added + blocks * input_bits * plane)
        each += groups * (sums if _compared(product) is None else bits)
        return rows * columns * each

    def nbytes(self, product: Product) -> int:
        """See `Kernel`."""
        table = 0 if product.table is None else 256
        groups, planes = -(-product.n // 32), coded(product.weights).bits
        start = 0 if _compared(product) is None else 4 * groups * (_slices(product) + 1)
        return 4 * (product.k + 1) * groups * planes + start + table

    def work(self, product: Product) -> int:
        """See `Kernel`."""
        return 4 * -(-product.n // 32) * _slices(product) + 2 * (_block(product) + 8)

    def prepare(self, product: Product, name: str, decision: Written) -> Prepared:
        """See `Kernel`."""
        codes, (least, _) = coded(product.weights), input_ends(product)
        rows = product.weights.reshape(product.n, product.k)
        flags = set()
        words = _words(codes, product)
        tables = array("uint32_t", f"{name}_weights", words, "a bit of 32 outputs, input by input")
        fields: list[tuple[str, str]] = [("weights", f"{name}_weights")]
        nbytes = 4 * words.size
        if product.table is not None:
            flags.add("counters_table")
            shifted = product.table - least
            tables += array("uint8_t", f"{name}_table", shifted, "what inputs enter with")
            fields.append(("table", f"{name}_table"))
            nbytes += product.table.size
        numbers = {
            "first": codes.first,
            "step": codes.step,
            "places": int(np.prod(product.output)),
            "k": product.k,
            "outputs": product.n,
            "block": _block(product),
            "planes": codes.bits,
            "bits": input_digits(product, 1),
            "slices": _slices(product),
            "decides": int(product.decision is not None),
        }
        compared = _compared(product)
        if compared is not None:
            flags.add("counters_bits")
            start, turned, offset, twice = compared
            slices = _sliced(start, _slices(product))
            tables += array("uint32_t", f"{name}_start", slices, "counters at first")
            tables += array("uint32_t", f"{name}_turned_bits", _sliced(turned, 1))
            fields += [("start", f"{name}_start"), ("turned", f"{name}_turned_bits")]
            numbers |= {"offset": offset, "twice": twice}
            nbytes += 4 * slices.size + 4 * (slices.size // _slices(product))
        else:
            flags.add("counters_sums")
            base = least * rows.sum(axis=1)
            if np.any(base):
                flags.add("counters_base")
                tables += array("int32_t", f"{name}_base", base, "added to the sums of an output")
                fields.append(("base", f"{name}_base"))
                nbytes += 4 * base.size
            if codes.first or codes.step != 1:
                flags.add("counters_scaled")
        fields += [(key, str(value)) for key, value in numbers.items()]
        work = self.work(product)
        own = compared is not None
        return Prepared(self.name, frozenset(flags), tables, tuple(fields), nbytes, work, own)


def _words(codes: Coded, product: Product) -> Integers:
    """Return ``[groups, planes, k + 1]``, the last of each plane 0."""
    groups, k = -(-product.n // 32), product.k
    padded = np.zeros((groups * 32, k + 1), np.int64)
    padded[: product.n, :k] = codes.codes.reshape(product.n, k)
    planes = np.stack([padded >> p & 1 for p in range(codes.bits)])
    planes = planes.reshape(codes.bits, groups, 32, k + 1)
    made: Integers = (planes << np.arange(32)[:, None]).sum(axis=2).transpose(1, 0, 2)
    return made


def _sliced(numbers: Integers, slices: int) -> Integers:
    """Return numbers ``[n]`` as slices ``[groups, slices]`` of 32 each."""
    padded = np.zeros(-(-numbers.size // 32) * 32, np.int64)
    padded[: numbers.size] = numbers
    bits = padded.reshape(-1, 1, 32) >> np.arange(slices)[:, None] & 1
    made: Integers = (bits << np.arange(32)).sum(axis=-1)
    return made


def _block(product: Product) -> int:
    return -(-product.k // -(-product.k // BLOCK))


def _slices(product: Product) -> int:
    """Return the bits that counters need."""
    codes, (least, most) = coded(product.weights), input_ends(product)
    greatest = int(codes.codes.reshape(product.n, -1).sum(axis=1).max()) * (most - least)
    compared = _compared(product)
    if compared is not None:
        start, _, offset, twice = compared
        greatest = (2 if twice else 1) * greatest + int(start.max())
        greatest = max(greatest, offset + twice * product.k)
    # The adders have room for three slices of each plane and bit, and a carry.
    top_plane = codes.bits - 1 + input_digits(product, 1) - 1
    return max(greatest.bit_length(), top_plane + LEAST_SLICES - 1)


def _compared(product: Product) -> tuple[Integers, Integers, int, int] | None:
    """Return how one-bit outputs of one-bit inputs are compared, or None.

    Returns:
        start of the counters, bool as int64 where outputs are turned, offset, and 0, 1 or 2: the
        output of n is whether ``counter >= offset + twice * listed``; counters count by 2 if not 0.
    """
    decision = product.decision
    if decision is None or decision.top != 1 or input_digits(product, 1) != 1:
        return None
    codes, (least, most) = coded(product.weights), input_ends(product)
    if codes.bits > 2:
        return None
    d = max(most - least, 1)
    twice, rest = divmod(-2 * codes.first, codes.step)
    if rest or not 0 <= twice <= 8:
        return None
    base = least * product.weights.reshape(product.n, -1).sum(axis=1)
    low, high = decision.low, decision.high
    threshold = np.clip(decision.thresholds[0], low, high + 1)
    # Turned: -sum >= t where sum > -t is false.
    threshold = np.where(decision.turned, 1 - threshold, threshold)
    # step * d * (counts - twice / 2 * listed) + base >= threshold, counts and listed whole.
    scale = 2 if twice else 1
    needed = -(-scale * (threshold - base) // (codes.step * d))
    offset = max(0, int(needed.max()))
    return offset - needed, decision.turned.astype(np.int64), offset, twice
