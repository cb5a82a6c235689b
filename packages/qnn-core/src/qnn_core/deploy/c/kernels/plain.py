"""Any product, one multiplication after the other: what nothing faster fits, and their oracle."""

import numpy as np

from ..plan import Integers, Product
from ..prepared import Prepared
from ..text.arrays import array
from ..text.decisions import Written
from .base import MOST_PIXELS, geometry, window_numbers
from .weights import packed_bits

# A multiplication, both loads and the loop, about; per target.
CYCLES = {"rv32ec": 80.0, "rv32emc": 19.0, "rv32imc": 17.0, "m0": 19.0, "m4": 12.0, "avr": 60.0}


class Plain:
    """See the module."""

    name = "plain"
    code = 320

    def fits(self, product: Product) -> bool:
        """Every product does whose weights, and the numbers of whose windows, 16 bits hold."""
        fits = np.all(np.abs(product.weights) < 2**15)
        return bool(fits) and max(window_numbers(product)) <= MOST_PIXELS

    def cycles(self, product: Product, target: str) -> float:
        """See `Kernel`."""
        # Each pixel of a window is found anew.
        pixels = 0.0 if product.is_linear else 5.0 * product.groups / product.image[2]
        return CYCLES[target] * product.macs * (1.0 + pixels)

    def nbytes(self, product: Product) -> int:
        """See `Kernel`."""
        bits, _ = _bits(product)
        return product.n * -(-product.k * bits // 8)

    def work(self, product: Product) -> int:
        """See `Kernel`."""
        return 0

    def prepare(self, product: Product, name: str, decision: Written) -> Prepared:
        """See `Kernel`."""
        bits, levels = _bits(product)
        rows = product.weights.reshape(product.n, product.k)
        flags = {f"bits{bits}"} if bits >= 8 else {"weight_table"}
        fields: list[tuple[str, str]] = [("weights", f"{name}_weights")]
        if bits == 16:
            data = np.ascontiguousarray(rows.astype("<i2")).view(np.uint8)
        elif bits == 8:
            data = rows.astype(np.int8).view(np.uint8)
        else:
            data = packed_bits(np.searchsorted(levels, rows), bits)
        tables = array("uint8_t", f"{name}_weights", data, f"weights, {bits} bits each")
        nbytes = data.size
        if bits < 8:
            table = np.zeros(2**bits, np.int64)
            table[: levels.size] = levels
            tables += array("int16_t", f"{name}_levels", table, "the weight of each code")
            fields.append(("levels", f"{name}_levels"))
            nbytes += 2 * table.size
        if product.table is not None:
            flags.add("input_table")
            tables += array(
                "int16_t", f"{name}_table", product.table, "what each input enters with"
            )
            fields.append(("table", f"{name}_table"))
            nbytes += 2 * product.table.size
        fields += geometry(product)
        fields += [
            ("row_bytes", str(data.shape[1])),
            ("bits", str(bits)),
            ("input_offset", str(product.offset)),
            ("decides", "1" if product.decision is not None else "0"),
        ]
        return Prepared(self.name, frozenset(flags), tables, tuple(fields), nbytes)


def _bits(product: Product) -> tuple[int, Integers]:
    """Return the bits of a weight in memory, and the levels."""
    levels = np.unique(product.weights)
    for bits in (1, 2, 4):
        if levels.size <= 2**bits:
            return bits, levels
    fits = levels.min() >= -128 and levels.max() < 128
    return (8 if fits else 16), levels
