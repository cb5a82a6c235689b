"""Several outputs in a word: two products of 16 bits to a multiplication, zero inputs passed over.

A word holds, for one input, the weights of 8 outputs (4 bits), 16 (2 bits) or 4 (8 bits) as codes
``weight = first + step * code``. Fields 16 bits apart share a register: ``field * x`` adds to two
sums at once. What they hold is ``sum of (code - zero) * x`` in two's complement, exact as long as
it has 16 bits. That is proved here from the actual weights, for blocks of so many inputs in a row:
after each the sums go to 32 bits. Most layers need one block. Codes of 8 bits have a register each.

A window is its rows, each a run of inputs that lie side by side; padding shortens the runs.
Where there is no multiplier the products are additions, for each bit that is set of an input.
"""

from typing import NamedTuple

import numpy as np

from ..plan import Integers, Product
from ..prepared import Prepared
from ..text.arrays import array
from ..text.decisions import Written
from .base import geometry
from .weights import Coded, coded

PER = {2: 16, 4: 8, 8: 4}


class Form(NamedTuple):
    """How the weights of a product are written.

    Attributes:
        coded: the weights.
        bits: of a field: 2, 4 or 8.
        zero: taken off each code.
        block: inputs whose sums 16 bits hold; 0 for all.
    """

    coded: Coded
    bits: int
    zero: int
    block: int


class Lanes:
    """See the module."""

    name = "lanes"
    code = 420

    def fits(self, product: Product) -> bool:
        """Weights with even steps and 8 bits at most, groups that words do not straddle."""
        return self._form(product) is not None

    def cycles(self, product: Product, target: str) -> float:
        """See `Kernel`."""
        form = self._form(product)
        assert form is not None
        return modelled(product, form, target)

    def nbytes(self, product: Product) -> int:
        """See `Kernel`."""
        form = self._form(product)
        assert form is not None
        table = 0 if product.table is None else 2 * product.table.size
        return 4 * product.k * -(-product.n // PER[form.bits]) + table

    def work(self, product: Product) -> int:
        """See `Kernel`."""
        return 0

    def prepare(self, product: Product, name: str, decision: Written) -> Prepared:
        """See `Kernel`."""
        form = self._form(product)
        assert form is not None
        first, step = form.coded.first, form.coded.step
        rest = first + step * form.zero
        joined = product.groups == 1 and product.window.dilation[1] == 1
        looks = product.table is not None
        flags = {f"lanes{form.bits}", f"lanes{form.bits}_{'look' if looks else 'plain'}"}
        words = lane_words(form.coded.codes.reshape(product.n, product.k), form.bits)
        tables = array("uint32_t", f"{name}_weights", words, "weights of outputs, input by input")
        nbytes = 4 * words.size
        fields: list[tuple[str, str]] = [("weights", f"{name}_weights")]
        if product.table is not None:
            flags.add("lanes_table")
            tables += array("int16_t", f"{name}_table", product.table, "what inputs enter with")
            fields.append(("table", f"{name}_table"))
            nbytes += 2 * product.table.size
        if product.offset:
            flags.add("lanes_offset")
        if form.block:
            flags.add("lanes_blocks")
        if not joined:
            flags.add("lanes_apart")
        if product.pool is not None:
            flags.add("lanes_pool")
        if step != 1 or rest:
            flags.add("lanes_scaled")
        numbers = {
            "rest": rest,
            "step": step,
            "zero": form.zero,
            "bits": form.bits,
            "input_offset": product.offset,
            "looks": int(looks),
            "decides": int(product.decision is not None),
            "joined": int(joined),
            "block": form.block,
            "k": product.k,
        }
        fields += [(key, str(value)) for key, value in numbers.items()]
        fields += geometry(product)
        return Prepared(self.name, frozenset(flags), tables, tuple(fields), nbytes)

    def _form(self, product: Product) -> Form | None:
        codes = coded(product.weights)
        if codes.bits > 8 or codes.step >= 2**15 or not product.k:
            return None
        if product.table is not None and np.abs(product.table).max(initial=0) >= 2**15:
            return None
        bits = next(b for b in (2, 4, 8) if codes.bits <= b)
        if bits == 2 and product.n <= 8:
            bits = 4  # as many words, and no shifts
        each = product.n // product.groups
        if product.groups > 1 and each % PER[bits]:
            return None
        if bits == 8:
            return Form(codes, bits, max(0, -codes.first // codes.step), 0)
        zero, block = _blocks(codes, product)
        return Form(codes, bits, zero, block) if block is not None else None


def modelled(product: Product, form: Form, target: str) -> float:
    """Return about how many cycles a product takes, half of its inputs 0."""
    passes = -(-product.n // (4 if form.bits == 8 else 8))
    rows, columns = product.output
    kernel_y, kernel_x = product.window.kernel
    joined = product.groups == 1 and product.window.dilation[1] == 1
    runs = kernel_y * (1 if joined else kernel_x)
    if form.block:
        runs = max(runs, -(-product.k // form.block))
    each = _EACH[target]
    one = each.input + (each.table if product.table is not None else 0.0)
    bits = max(1, product.input_high.bit_length())
    one += 0.5 * (each.product + each.bit * bits)
    flushes = -(-product.k // form.block) if form.block else 0
    window = product.k * one + runs * each.run + flushes * each.flush + each.window
    return rows * columns * passes * window


class _Costs(NamedTuple):
    """Cycles, measured.

    Attributes:
        input: of an input that is passed over.
        product: of one that is not, beside.
        table: of a look-up.
        window: of a window and a pass, without its inputs.
        run: of a run of inputs.
        flush: of a block, beside.
        bit: of a bit of an input, where there is no multiplier.
    """

    input: float
    product: float
    table: float
    window: float
    run: float
    flush: float
    bit: float = 0.0


_EACH = {
    "rv32ec": _Costs(9.0, 14.0, 4.0, 250.0, 100.0, 150.0, 9.0),
    "rv32emc": _Costs(9.0, 21.0, 4.0, 150.0, 80.0, 120.0),
    "rv32imc": _Costs(8.0, 18.0, 4.0, 130.0, 60.0, 100.0),
    "m0": _Costs(9.0, 25.0, 4.0, 200.0, 100.0, 140.0),
    "m4": _Costs(7.0, 16.0, 3.0, 110.0, 55.0, 75.0),
    "avr": _Costs(14.0, 160.0, 8.0, 600.0, 300.0, 400.0),
}


def lane_words(codes: Integers, bits: int) -> Integers:
    """Return codes ``[n, k]`` as words ``[ceil(n / per), k]``.

    Outputs i and i + 4 of a pass of 8 are 16 bits apart; two passes share words of 2 bits.
    """
    per = PER[bits]
    n, k = codes.shape
    padded = np.zeros((-(-n // per) * per, k), np.int64)
    padded[:n] = codes
    at = np.arange(per)
    shifts = 8 * at if bits == 8 else 8 * (at // 8) + bits * (at % 4) + 16 * (at // 4 % 2)
    made: Integers = (padded.reshape(-1, per, k) << shifts[:, None]).sum(axis=1)
    return made


def _blocks(given: Coded, product: Product) -> tuple[int, int | None]:
    """Return the zero and the length of blocks that need fewest; 0 for one block, None for none."""
    codes = given.codes.reshape(product.n, product.k)
    low, high = min(0, product.input_low), max(0, product.input_high)
    padded = any(product.window.padding)
    best: tuple[int, int | None] = (0, None)
    top = int(codes.max(initial=0))
    # What stands for the weight 0, if there is one, costs least; then what lies in the middle.
    for zero in sorted(
        range(top + 1), key=lambda z: (given.first + given.step * z != 0, abs(2 * z - top))
    ):
        block = _longest(codes - zero, low, high, padded=padded)
        if block == codes.shape[1]:
            return zero, 0
        if block and (best[1] is None or block > best[1]):
            best = zero, block
    return best


def _longest(elements: Integers, low: int, high: int, *, padded: bool) -> int:
    """Return the longest block of inputs, counted from the first, whose sums 16 bits hold.

    With padding some inputs of a window are left out and a block may be any: then all of them
    must fit at once, or so few that the greatest weights do.
    """
    plus, minus = np.clip(elements, 0, None), np.clip(elements, None, 0)
    k = int(elements.shape[1])
    sums_high = np.concatenate([[[0]] * len(plus), (plus * high + minus * low).cumsum(1)], axis=1)
    sums_low = np.concatenate([[[0]] * len(plus), (plus * low + minus * high).cumsum(1)], axis=1)

    def held(block: int) -> bool:
        ends = np.minimum(np.arange(block, k + block, block), k)
        starts = np.arange(0, k, block)
        greatest = (sums_high[:, ends] - sums_high[:, starts]).max(initial=0)
        least = (sums_low[:, ends] - sums_low[:, starts]).min(initial=0)
        return bool(greatest < 2**15 and least >= -(2**15))

    if held(k):
        return k
    if padded:
        most = int(np.abs(elements).max(initial=1)) * max(abs(low), abs(high))
        return (2**15 - 1) // max(most, 1)
    return next((block for block in range(min(k, 4096), 0, -1) if held(block)), 0)
