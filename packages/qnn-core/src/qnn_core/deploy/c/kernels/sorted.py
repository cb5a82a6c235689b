"""Linear layers, and convolutions of 1 x 1, by additions only: inputs sorted by value.

Sum of value * weight over inputs is, for values from 15 down to 1, the sum of what all inputs of at
least that value weigh: one addition of 8 weights an input, and one of all sums a value. Inputs of 8
bits are two digits. Weights are codes of 4 bits, ``weight = first + step * code``, 8 of them in a
word; 17 add up in bytes, then in 16 bits, which is proved from the actual weights for each block of
inputs that is sorted at a time. Sorting takes a list of 2 bytes for each input of a block.

Best without a multiplier, and for inputs of 4 bits on Cortex-M0+.
"""

import numpy as np

from ..plan import Integers, Product
from ..prepared import Prepared
from ..text.arrays import array
from ..text.decisions import Written
from .lanes import lane_words
from .rows import input_digits, input_ends, is_rows
from .weights import coded

# Inputs that are sorted at a time: lists of them take 2 bytes each.
BLOCK = 256

# Cycles: of an input of a digit in a list, of an input of a group that is not 0, of a digit of a
# group, of a value of it that there is, of an output.
_COSTS = {
    "rv32ec": (19.0, 15.0, 500.0, 35.0, 40.0),
    "rv32emc": (19.0, 15.0, 500.0, 35.0, 40.0),
    "rv32imc": (19.0, 13.0, 400.0, 25.0, 40.0),
    "m0": (19.0, 14.5, 500.0, 35.0, 40.0),
    "m4": (16.0, 11.0, 350.0, 25.0, 30.0),
    "avr": (40.0, 80.0, 2000.0, 150.0, 100.0),
}


class Sorted:
    """See the module."""

    name = "sorted"
    code = 570

    def fits(self, product: Product) -> bool:
        """Rows of inputs from 0 to 255, or a constant beyond; weights of 4 bits, even steps."""
        return is_rows(product) and product.n >= 8 and coded(product.weights).bits <= 4

    def cycles(self, product: Product, target: str) -> float:
        """See `Kernel`."""
        listed, added, digit, value, output = _COSTS[target]
        rows, columns = product.output
        groups, digits, k = -(-product.n // 8), input_digits(product, 4), product.k
        blocks = -(-k // _block(product))
        filled = 0.5 * k / blocks
        one = filled * added + digit + min(15.0, filled) * value
        each = digits * (k * listed + groups * blocks * one) + product.n * output
        return rows * columns * each

    def nbytes(self, product: Product) -> int:
        """See `Kernel`."""
        table = 0 if product.table is None else 256
        return 4 * product.k * -(-product.n // 8) + table

    def work(self, product: Product) -> int:
        """See `Kernel`."""
        return 32 * -(-product.n // 8) + 32 + 2 * _block(product)

    def prepare(self, product: Product, name: str, decision: Written) -> Prepared:
        """See `Kernel`."""
        codes = coded(product.weights)
        least, _ = input_ends(product)
        rows = product.weights.reshape(product.n, product.k)
        words = lane_words(codes.codes.reshape(product.n, product.k), 4)
        flags = set()
        tables = array("uint32_t", f"{name}_weights", words, "weights of 8 outputs, input by input")
        fields: list[tuple[str, str]] = [("weights", f"{name}_weights")]
        nbytes = 4 * words.size
        if product.table is not None:
            flags.add("sorted_table")
            shifted = product.table - least
            tables += array("uint8_t", f"{name}_table", shifted, "what inputs enter with")
            fields.append(("table", f"{name}_table"))
            nbytes += product.table.size
        base = least * rows.sum(axis=1)
        if np.any(base):
            flags.add("sorted_base")
            tables += array("int32_t", f"{name}_base", base, "added to the sums of an output")
            fields.append(("base", f"{name}_base"))
            nbytes += 4 * base.size
        if codes.first or codes.step != 1:
            flags.add("sorted_scaled")
        block = _block(product)
        places = int(np.prod(product.output))
        numbers = {
            "first": codes.first,
            "step": codes.step,
            "places": places,
            "k": product.k,
            "outputs": product.n,
            "block": block,
            "digits": input_digits(product, 4),
            "decides": int(product.decision is not None),
        }
        fields += [(key, str(value)) for key, value in numbers.items()]
        work = self.work(product)
        return Prepared(self.name, frozenset(flags), tables, tuple(fields), nbytes, work)


def _block(product: Product) -> int:
    """Return how many inputs are sorted at a time: their digits' sums must fit in 16 bits."""
    codes: Integers = coded(product.weights).codes.reshape(product.n, product.k)
    k = product.k
    count = -(-k // BLOCK)
    while True:
        block = -(-k // count)
        starts = np.arange(0, k, block)
        if 15 * int(np.add.reduceat(codes, starts, axis=1).max()) < 2**16:
            return block
        count += 1
