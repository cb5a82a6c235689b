"""The laws of a quantizer."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Tensor
from ..coded import codes_of, encode, units
from ..errors import NonFiniteError, QnnError
from ..nn import Quantize
from ..ops import fake_quantize
from ..quantizer import Quantizer, codebook
from ..registry import get_quantizer
from .law import LawError

Array = NDArray[Any]
Law = Callable[[Quantizer], Iterator[str]]


def check_quantizer(quantizer: str | Quantizer) -> None:
    """Check a quantizer against the laws that layers, files and kernels rely on.

    Args:
        quantizer: spec string or object.

    Raises:
        LawError: that names each broken law, the input it was broken on, and what was expected.
        SpecError, PluginError: if a spec string does not lead to a quantizer.

    Example:
        >>> check_quantizer("symmetric:bits=3,ste=triangle")
    """
    subject = get_quantizer(quantizer)
    violations: list[str] = []
    for name, law in LAWS.items():
        try:
            violations += [f"{name}: {problem}" for problem in law(subject)]
        except Exception as error:
            violations.append(f"{name}: raised {type(error).__name__}: {error}")
        if violations and name == "codebook":
            break
    if violations:
        raise LawError(str(subject), violations)


def _codebook(q: Quantizer) -> Iterator[str]:
    """The levels ascend, need just so many bits, and each has its own code in that order."""
    try:
        hash(q)
        codebook(q)
    except (QnnError, TypeError) as error:
        yield str(error)


def _encode_is_total(q: Quantizer) -> Iterator[str]:
    """Every finite float32 has a uint8 code below the number of levels; the shape is kept."""
    levels = codebook(q).levels.size
    probes = _probes(q)
    for u in (probes, probes[:12].reshape(3, 4), probes[:0], probes[0].reshape(())):
        codes = np.asarray(q.encode(u.copy()))
        if codes.dtype != np.uint8:
            yield f"encode gives {codes.dtype}, uint8 is needed"
        elif codes.shape != u.shape:
            yield f"encode of shape {u.shape} gives shape {codes.shape}"
        elif codes.size and codes.max() >= levels:
            worst = u.reshape(-1)[codes.reshape(-1).argmax()]
            yield f"encode({worst}) is {codes.max()}, there are {levels} levels"


def _encode_is_monotone(q: Quantizer) -> Iterator[str]:
    """A greater u never has a smaller code."""
    u = _probes(q)
    codes = np.asarray(q.encode(u)).astype(int)
    for n in np.flatnonzero(np.diff(codes) < 0)[:1]:
        yield f"encode({u[n]!r}) is {codes[n]}, but encode({u[n + 1]!r}) is {codes[n + 1]}"


def _encode_is_elementwise(q: Quantizer) -> Iterator[str]:
    """The code of an element does not depend on its neighbours, nor on the call before."""
    u = _probes(q)
    together = np.asarray(q.encode(u))
    alone = np.concatenate([np.asarray(q.encode(u[n : n + 1])) for n in range(len(u))])
    for n in np.flatnonzero(together != alone)[:1]:
        yield f"encode({u[n]!r}) is {alone[n]} alone and {together[n]} among {len(u)} others"
    if not np.array_equal(together, q.encode(u)):
        yield "encode gives other codes when it is called again"


def _thresholds_are_encode(q: Quantizer) -> Iterator[str]:
    """Counting thresholds, as the kernels do, gives what encode gives."""
    u = _probes(q)
    one, zero = np.ones((), np.float32), np.zeros((), np.float32)
    frameless = _without_axis(q)
    counted, encoded = codes_of(u, one, zero, frameless), np.asarray(q.encode(u))
    for n in np.flatnonzero(counted != encoded)[:1]:
        yield f"encode({u[n]!r}) is {encoded[n]}, the thresholds give {counted[n]}"


def _window_is_sound(q: Quantizer) -> Iterator[str]:
    """The window is finite, elementwise, and keeps shape and dtype."""
    for dtype in (np.float32, np.float64):
        u = np.linspace(-4, 4, 101, dtype=dtype) * np.abs(codebook(q).levels).max()
        w = np.asarray(q.window(u.copy()))
        if w.shape != u.shape or w.dtype != u.dtype:
            yield f"window of {u.dtype} {u.shape} gives {w.dtype} {w.shape}"
        elif not np.all(np.isfinite(w)):
            yield f"window({u[np.argmin(np.isfinite(w))]}) is not finite"
        elif not np.array_equal(w[40:47], q.window(u[40:47].copy())):
            yield "window of an element depends on its neighbours"


def _fit_is_sound(q: Quantizer) -> Iterator[str]:
    """The fitted scale is finite and > 0, whatever the data; channels are fitted one by one."""
    rng = np.random.default_rng(0)
    data = {
        "normal": rng.standard_normal((5, 40)),
        "positive": rng.random((5, 40)),
        "zero": np.zeros((2, 3)),
        "constant": np.full((2, 3), -0.25),
        "one element": np.array([[0.3]]),
        "tiny": rng.standard_normal((5, 40)) * 1e-20,
        "huge": rng.standard_normal((5, 40)) * 1e20,
    }
    for name, values in data.items():
        x = values.astype(np.float32)
        for axis, shape in ((None, ()), (0, (len(x),))):
            frame = q.fit(x, axis)
            scale, zero = np.asarray(frame.scale), np.asarray(frame.zero_point)
            if scale.shape != shape or zero.shape != shape:
                yield f"fit of {name} data, axis {axis}: shapes {scale.shape} and {zero.shape}"
            elif not (np.all(np.isfinite(scale)) and np.all(scale > 0)):
                yield f"fit of {name} data, axis {axis}: scale {scale} is not finite and > 0"
            elif not np.all(np.isfinite(zero)):
                yield f"fit of {name} data, axis {axis}: zero point {zero} is not finite"
            elif axis == 0 and scale[0] != q.fit(x[0], None).scale:
                yield f"fit of {name} data: channel 0 is not fitted as it is alone"


def _value_is_exact(q: Quantizer) -> Iterator[str]:
    """A quantized value is scale * levels[code] + shift, bit for bit, from packed codes too."""
    for dtype in (np.float32, np.float64):
        x = _data(dtype)
        coded = encode(x, q)
        spread = [_spread(part, x, q.axis) for part in (coded.scale, coded.shift)]
        expected = spread[0] * coded.levels[coded.codes].astype(dtype) + spread[1]
        value = fake_quantize(Tensor(x, dtype), coded.scale, coded.shift, quantizer=q).data
        for way, found in (("fake_quantize", value), ("decode of packed codes", coded.decode())):
            if found.dtype != dtype or not np.array_equal(found, expected):
                n = np.unravel_index(np.argmax(found != expected), x.shape)
                yield f"{way} of {x[n]!r} is {found[n]!r}, expected {expected[n]!r}"


def _gradient_is_stated(q: Quantizer) -> Iterator[str]:
    """d/dx = w, d/dscale = sum(levels[code] - u w), or its own slope, d/dshift = sum(1 - w)."""
    x = _data(np.float64)
    coded = encode(x, q)
    tensors = [Tensor(t, np.float64, requires_grad=True) for t in (x, coded.scale, coded.shift)]
    fake_quantize(*tensors, quantizer=q).sum().backward()
    u = units(x, coded.scale, coded.shift, q.axis)
    w = np.asarray(q.window(u), np.float64)
    levels = coded.levels.astype(np.float64)[coded.codes]
    expected = {
        "x": w,
        "scale": _per_channel(_slope(q, u, levels, w), q.axis),
        "shift": _per_channel(1 - w, q.axis),
    }
    for (name, wanted), tensor in zip(expected.items(), tensors, strict=True):
        found = None if tensor.grad is None else tensor.grad.data
        if found is None or not np.allclose(found, wanted, rtol=1e-9, atol=1e-9):
            yield f"d/d{name} is {found}, expected {wanted}"


def _bad_data_are_refused(q: Quantizer) -> Iterator[str]:
    """NaN and infinity are refused, not coded."""
    one, zero = np.ones((), np.float32), np.zeros((), np.float32)
    for bad in (np.nan, np.inf, -np.inf):
        x = np.array([0.0, bad], np.float32)
        for way, call in (
            ("quantizing", lambda x=x: codes_of(x, one, zero, _without_axis(q))),
            ("fit", lambda x=x: q.fit(x, None)),
        ):
            try:
                call()
            except NonFiniteError:
                continue
            yield f"{way} takes {bad}"


def _evaluation_is_frozen(q: Quantizer) -> Iterator[str]:
    """In evaluation, a sample's result does not depend on its batch."""
    if q.axis is not None or q.transform != "none":
        return
    layer = Quantize(q)
    x = _data(np.float32)
    layer(Tensor(x))
    layer.eval()
    alone = np.concatenate([layer(Tensor(row[None])).data for row in x])
    if not np.array_equal(alone, layer(Tensor(x)).data):
        yield "a batch gives other values than its samples one by one"
    if not np.array_equal(alone, np.concatenate([layer(Tensor(r[None])).data for r in x])):
        yield "the same sample gives other values when it is evaluated again"


LAWS: dict[str, Law] = {
    "codebook": _codebook,
    "encode is total": _encode_is_total,
    "encode is monotone": _encode_is_monotone,
    "encode is elementwise": _encode_is_elementwise,
    "thresholds are encode": _thresholds_are_encode,
    "window is sound": _window_is_sound,
    "fit is sound": _fit_is_sound,
    "value is exact": _value_is_exact,
    "gradient is as stated": _gradient_is_stated,
    "bad data are refused": _bad_data_are_refused,
    "evaluation is frozen": _evaluation_is_frozen,
}


def _probes(q: Quantizer) -> Array:
    """Return ascending float32 numbers: around every threshold and level, extreme, and random."""
    book = codebook(q)
    edges = np.concatenate([book.levels, book.thresholds])
    around = [np.nextafter(edges, np.float32(side)) for side in (-np.inf, np.inf)]
    top = np.finfo(np.float32).max
    tiny = np.finfo(np.float32).smallest_subnormal
    extremes = np.array([-top, -1e20, -tiny, -0.0, 0.0, tiny, 1e20, top], np.float32)
    spread = np.abs(book.levels).max() * 1.5
    drawn = np.random.default_rng(0).uniform(-spread, spread, 200).astype(np.float32)
    return np.sort(np.concatenate([edges, *around, extremes, drawn]))


def _data(dtype: Any) -> Array:
    return np.random.default_rng(1).standard_normal((6, 5)).astype(dtype)


def _slope(q: Quantizer, u: Array, levels: Array, w: Array) -> Array:
    """Return what d/dscale is to be: PACT's, or the scheme's own, or LSQ's."""
    if type(q).slope is not Quantizer.slope:
        return np.asarray(q.slope(u, levels, w), np.float64)
    ends = codebook(q).levels[[0, -1]].astype(np.float64)
    outside = (u < ends[0]) | (u > ends[1])
    slope: Array = levels * outside if q.scale == "pact" else levels - u * w
    return slope


def _without_axis(q: Quantizer) -> Quantizer:
    return replace(q, axis=None)


def _spread(frame: Array, x: Array, axis: int | None) -> Array:
    if axis is None:
        return frame
    shape = [1] * x.ndim
    shape[axis] = -1
    return frame.reshape(shape)


def _per_channel(terms: Array, axis: int | None) -> Array:
    if axis is None:
        return np.asarray(terms.sum())
    return np.asarray(terms.sum(axis=tuple(a for a in range(terms.ndim) if a != axis % terms.ndim)))
