"""The laws of levels and codes."""

from collections.abc import Iterator

import numpy as np

from ..errors import QnnError
from ..qtensor import codes_of, encode
from ..quantizer import QParams, Quantizer, codebook
from .law import Violation
from .samples import ONE, ZERO, Array, first, levels_of, ranges, units_around, whole

# Of values, in the root mean square, beside the data. Signs with the greatest magnitude as their
# scale err nearly as much as zeros do, so that the error alone tells no scale that is too small.
LEAST_SIZE = 0.1


def codebook_is_sound(q: Quantizer) -> Iterator[Violation]:
    """The levels ascend, need just so many bits, and each has its own code, in that order."""
    try:
        hash(q)
        codebook(q)
    except (QnnError, TypeError) as error:
        wanted = (
            f"{2 ** (q.bits - 1) + 1} to {2**q.bits} ascending finite numbers, and "
            "encode(levels) == 0, 1, 2, ..."
        )
        yield Violation(f"levels with {q.bits} bits", wanted, str(error))


def levels_reach_the_data(q: Quantizer) -> Iterator[Violation]:
    """Fitted to signed data or to data >= 0, the values lie where the data lie, not below only.

    One bit of levels such as -1, 0 leaves nothing above zero: all that is positive becomes zero. A
    scale that is far too large makes everything zero, one that is far too small nearly everything.
    """
    became = []
    for name, x in ranges().items():
        values = encode(x, whole(q)).decode()
        error, energy = float(((x - values) ** 2).sum()), float((x**2).sum())
        size = float(np.sqrt((values**2).sum() / energy))
        both = values.max() > 0 and (values.min() < 0 or x.min() >= 0)
        if both and error < energy and size >= LEAST_SIZE:
            return
        became.append(f"{name} become {values.min():.3g} to {values.max():.3g}")
        became[-1] += f" (error / energy {error / energy:.2f}, size {size:.2g})"
    yield Violation(
        f"levels {_some(codebook(q).levels)}, fitted to data",
        "values on both sides of zero for data of both signs, or values above zero for data >= 0; "
        "a smaller error than if all became zero; "
        f"and a root mean square of at least {LEAST_SIZE} times the data's",
        "; ".join(became),
    )


def _some(levels: Array) -> str:
    shown = ", ".join(f"{level:g}" for level in levels[:4])
    return shown + (f", ... {levels[-1]:g}" if levels.size > 4 else "")


def encode_is_total(q: Quantizer) -> Iterator[Violation]:
    """Every finite float32 has a uint8 code below the number of levels; the shape is kept."""
    levels = levels_of(q).size
    probes = units_around(q)
    for u in (probes, probes[:12].reshape(3, 4), probes[:0], probes[0].reshape(())):
        codes = np.asarray(q.encode(u.copy()))
        if codes.dtype != np.uint8:
            yield Violation(f"encode of shape {u.shape}", "codes of dtype uint8", str(codes.dtype))
        elif codes.shape != u.shape:
            yield Violation("encode", f"codes of the shape given, {u.shape}", str(codes.shape))
        elif codes.size and codes.max() >= levels:
            worst = u.reshape(-1)[codes.reshape(-1).argmax()]
            wanted = f"a code below {levels}, the number of levels"
            yield Violation(f"encode({worst!s})", wanted, f"{codes.max()}{_of_zero(q)}")


def _of_zero(q: Quantizer) -> str:
    """Return a remark if 0.0 has a code that the numbers beside it have not."""
    tiny = np.finfo(np.float32).tiny
    codes = np.asarray(q.encode(np.array([-tiny, 0, tiny], np.float32)))
    alone = np.unique(codes).size == 3
    return f": 0.0 has a code of its own, {codes[1]}, as sign(0) = 0 makes it" if alone else ""


def encode_is_monotone(q: Quantizer) -> Iterator[Violation]:
    """A greater u never has a smaller code."""
    u = units_around(q)
    codes = np.asarray(q.encode(u.copy())).astype(int)
    for n in np.flatnonzero(np.diff(codes) < 0)[:1]:
        wanted = f"at least {codes[n]}, the code of {u[n]!s}"
        yield Violation(f"encode({u[n + 1]!s})", wanted, str(codes[n + 1]))


def encode_is_elementwise(q: Quantizer) -> Iterator[Violation]:
    """The code of an element does not depend on its neighbours, nor on the call before.

    It would with a scale that is made of the batch: then so does the answer to a sample.
    """
    u = units_around(q)
    together = np.asarray(q.encode(u.copy()))
    alone = np.concatenate([np.asarray(q.encode(u[n : n + 1].copy())) for n in range(len(u))])
    for n in np.flatnonzero(together != alone)[:1]:
        yield Violation(
            f"encode({u[n]!s}) among {len(u)} numbers from {u[0]:.3g} to {u[-1]:.3g}",
            f"{alone[n]!s}, its code when it is alone",
            str(together[n]),
        )
    again = np.asarray(q.encode(u.copy()))
    for n in np.flatnonzero(together != again)[:1]:
        wanted = f"{together[n]!s} both times"
        yield Violation(f"encode({u[n]!s}), called twice", wanted, f"{again[n]} the second time")


def thresholds_are_encode(q: Quantizer) -> Iterator[Violation]:
    """Counting the thresholds between the levels, as kernels do, gives what encode gives."""
    u = units_around(q)
    counted, encoded = codes_of(u, ONE, ZERO, whole(q)), np.asarray(q.encode(u.copy()))
    for n in np.flatnonzero(counted != encoded)[:1]:
        wanted = f"{counted[n]}, the number of thresholds that are not above"
        yield Violation(f"encode({u[n]!s})", wanted, str(encoded[n]))


def zero_is_kept(q: Quantizer) -> Iterator[Violation]:
    """0.0 and -0.0 have one code; where a level means 0.0, the value of 0.0 is exactly 0.0."""
    plus, minus = np.asarray(q.encode(np.array([0.0, -0.0], np.float32)))
    if plus != minus:
        yield Violation("encode(-0.0)", f"{plus}, the code of 0.0", f"{minus}")
    for name, x in ranges().items():
        qparams = q.fit(x, None)
        if np.any(codebook(q).levels == qparams.zero_point):
            value = encode([0.0], whole(q), qparams).decode()[0]
            if value != 0:
                yield Violation(f"0.0 with the qparams of {name}", "0.0", str(value))


def values_stay(q: Quantizer) -> Iterator[Violation]:
    """Quantizing what is quantized already, with the same qparams, changes no code."""
    codes = np.arange(codebook(q).levels.size, dtype=np.uint8)
    candidates = {f"the qparams of {name}": q.fit(x, None) for name, x in ranges().items()}
    candidates["scale 1"] = QParams(ONE, ZERO)
    for name, qparams in candidates.items():
        scale, shift = np.float32(qparams.scale), np.float32(qparams.shift)
        values = scale * codebook(q).levels + shift
        again = encode(values, whole(q), qparams).codes
        if not np.array_equal(again, codes):
            (n,) = first(again != codes)
            given = f"the value {values[n]!s} of code {n}, with {name}"
            yield Violation(given, f"code {n} again", f"code {again[n]}")
