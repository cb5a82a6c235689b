"""Rows of inputs as pairs of 16 bits: SMLAD on Cortex-M4, two products an instruction.

Weights are codes of 4 or 8 bits, ``weight = first + step * code``, which one mask brings into
pairs; inputs enter with any 16-bit numbers and are widened once for a row, so that it takes no
longer for codes that are not 0. Four outputs side by side share the loads of inputs. Elsewhere the
same tables are read by a twin in plain C. Sums are exact as long as 32 bits hold the sum of
``code * x``, which is proved from the ends of both.
"""

import numpy as np

from ..plan import Integers, Product
from ..prepared import Prepared
from ..text.arrays import array
from ..text.decisions import Written
from .rows import input_ends, is_rows
from .weights import coded

# Cycles: of a product with 4 and 8 bits, of four outputs, of an input.
_COSTS = {
    "rv32ec": (60.0, 60.0, 200.0, 8.0),
    "rv32emc": (8.0, 7.0, 120.0, 8.0),
    "rv32imc": (5.5, 5.5, 110.0, 8.0),
    "m0": (9.5, 8.0, 150.0, 8.0),
    "m4": (1.45, 1.9, 120.0, 6.0),
    "avr": (60.0, 60.0, 400.0, 20.0),
}


class Dot:
    """See the module."""

    name = "dot"
    code = 400

    def fits(self, product: Product) -> bool:
        """Rows of inputs; weights of 8 bits, even steps."""
        codes, ends = coded(product.weights), input_ends(product)
        reach = int(codes.codes.max(initial=0)) * max(map(abs, ends)) * product.k
        return is_rows(product) and codes.bits <= 8 and codes.step < 2**15 and reach < 2**31

    def cycles(self, product: Product, target: str) -> float:
        """See `Kernel`."""
        four, eight, outputs, widened = _COSTS[target]
        each = four if _bits(product) == 4 else eight
        groups, rows = -(-product.n // 4), int(np.prod(product.output))
        return rows * (groups * (4 * product.k * each + outputs) + product.k * widened)

    def nbytes(self, product: Product) -> int:
        """See `Kernel`."""
        table = 0 if product.table is None else 2 * product.table.size
        return 16 * -(-product.n // 4) * _words(product) + table

    def work(self, product: Product) -> int:
        """See `Kernel`."""
        return 64 // _bits(product) * _words(product) + 4

    def prepare(self, product: Product, name: str, decision: Written) -> Prepared:
        """See `Kernel`."""
        codes, bits = coded(product.weights), _bits(product)
        looks = product.table is not None
        flags = {f"dot{bits}"}
        words = _packed(codes.codes.reshape(product.n, product.k), bits)
        tables = array(
            "uint32_t", f"{name}_weights", words, "weights of four outputs, side by side"
        )
        fields: list[tuple[str, str]] = [("weights", f"{name}_weights")]
        if product.table is not None:
            flags.add("dot_table")
            tables += array("int16_t", f"{name}_table", product.table, "what inputs enter with")
            fields.append(("table", f"{name}_table"))
        numbers = {
            "first": codes.first,
            "step": codes.step,
            "places": int(np.prod(product.output)),
            "k": product.k,
            "outputs": product.n,
            "words": _words(product),
            "bits": bits,
            "input_offset": product.offset,
            "looks": int(looks),
            "decides": int(product.decision is not None),
        }
        fields += [(key, str(value)) for key, value in numbers.items()]
        size, work = self.nbytes(product), self.work(product)
        return Prepared(self.name, frozenset(flags), tables, tuple(fields), size, work)


def _bits(product: Product) -> int:
    return 4 if coded(product.weights).bits <= 4 else 8


def _words(product: Product) -> int:
    return -(-product.k * _bits(product) // 32)


def _packed(codes: Integers, bits: int) -> Integers:
    """Return codes ``[n, k]`` as words ``[ceil(n / 4), words, 4]``.

    Inputs 2 i and 2 i + 1 are 16 bits apart, `bits` * i from the lowest on.
    """
    n, k = codes.shape
    per = 32 // bits
    padded = np.zeros((-(-n // 4) * 4, -(-k // per) * per), np.int64)
    padded[:n, :k] = codes
    at = np.arange(per)
    fields = padded.reshape(len(padded), -1, per) << (bits * (at // 2) + 16 * (at % 2))
    made: Integers = fields.sum(axis=2).reshape(-1, 4, fields.shape[1]).transpose(0, 2, 1)
    return made
