"""The laws of windows and frames."""

from collections.abc import Callable, Iterator

import numpy as np

from ..coded import codes_of
from ..errors import NonFiniteError, QnnError, ShapeError
from ..quantizer import CALIBRATIONS, Frame, Quantizer
from .law import Violation
from .probes import ONE, ZERO, Array, levels_of, normal, variants, whole


def window_is_sound(q: Quantizer) -> Iterator[Violation]:
    """The window is finite and elementwise, and keeps shape and dtype."""
    for dtype in (np.float32, np.float64):
        u = np.linspace(-4, 4, 101, dtype=dtype) * np.abs(levels_of(q)).max()
        w = np.asarray(q.window(u.copy()))
        if w.shape != u.shape or w.dtype != u.dtype:
            found = f"{w.dtype} of shape {w.shape}"
            yield Violation("window", f"{u.dtype} of shape {u.shape}, as given", found)
        elif not np.all(np.isfinite(w)):
            n = int(np.argmin(np.isfinite(w)))
            yield Violation(f"window({u[n]!s})", "a finite number", str(w[n]))
        elif not np.array_equal(w[40:47], q.window(u[40:47].copy())):
            n = 40 + int(np.argmax(w[40:47] != q.window(u[40:47].copy())))
            wanted = "the same alone and among others"
            yield Violation(f"window({u[n]!s})", wanted, f"{w[n]!s} among {len(u)} others")


def window_has_the_size_of_the_steps(q: Quantizer) -> Iterator[Violation]:
    """From the lowest level to the highest, gradients climb as far as values do.

    The straight-through estimator stands in for a staircase with a curve; the window is its slope,
    so its mean over the range is about 1. Windows that follow a curve, as triangle and swish, are 1
    in the mean, not everywhere. One that is k in the mean multiplies gradients by k in each layer.
    """
    low, high = (float(levels_of(q)[end]) for end in (0, -1))
    middles = low + (high - low) * (np.arange(4000) + 0.5) / 4000
    mean = float(np.asarray(q.window(middles)).mean())
    if not 0.5 <= mean <= 2:
        yield Violation(
            f"window from {low:g} to {high:g}",
            "a mean of about 1, at least between 1/2 and 2",
            f"a mean of {mean:.3g}: gradients are scaled by the wrong factor",
        )


DATA = {
    "normal": normal(5, 40, seed=0),
    "positive": np.abs(normal(5, 40, seed=3)),
    "zero": np.zeros((2, 3), np.float32),
    "constant": np.full((2, 3), -0.25, np.float32),
    "one element of": np.full((1, 1), 0.3, np.float32),
    "tiny": normal(5, 40) * np.float32(1e-20),
    "huge": normal(5, 40) * np.float32(1e20),
}


def fit_is_sound(q: Quantizer) -> Iterator[Violation]:
    """Every calibration gives any data a finite scale > 0; channels are fitted one by one."""
    for each in variants(q, "calibration", dict.fromkeys([q.calibration, *CALIBRATIONS])):
        for name, x in DATA.items():
            for axis, shape in ((None, ()), (0, (len(x),))):
                given = f"{each.calibration} of {name} data {x.shape}, axis {axis}"
                try:
                    frame = each.fit(x.copy(), axis)
                except NonFiniteError:
                    if name != "huge":
                        raise
                    continue  # that is an answer, too
                problem = _problem(frame, shape)
                if problem is None and axis == 0:
                    problem = _channel_problem(frame, each.fit(x[0].copy(), None))
                if problem is not None:
                    yield Violation(given, *problem)


def _problem(frame: Frame, shape: tuple[int, ...]) -> tuple[str, str] | None:
    """Return what is expected of a frame and what is found, or None if it is sound."""
    for part, given in (("scale", frame.scale), ("zero point", frame.zero_point)):
        array = np.asarray(given)
        if array.shape != shape or array.dtype != np.float32:
            found = f"{array.dtype} of shape {array.shape}"
            return f"a {part} of shape {shape}, float32 as the data", found
        if not np.all(np.isfinite(array)):
            return f"a finite {part}", str(array)
    if not np.all(np.asarray(frame.scale) > 0):
        return "a scale > 0", str(frame.scale)
    return None


def _channel_problem(frame: Frame, alone: Frame) -> tuple[str, str] | None:
    ours = (frame.scale[0], frame.zero_point[0])
    theirs = (alone.scale[()], alone.zero_point[()])
    if ours == theirs:
        return None
    told = "channel 0 with scale {} and zero point {}"
    return f"{told.format(*theirs)}, as it has alone", told.format(*ours)


def data_are_left_alone(q: Quantizer) -> Iterator[Violation]:
    """Encode, window and fit write nothing into the arrays that they are given."""
    calls: dict[str, Callable[[Array], object]] = {
        "encode": q.encode,
        "window": q.window,
        "fit": lambda x: q.fit(x, None),
        "span": lambda x: q.span(x[0] * 0 - 1, x[0] * 0 + 1),
    }
    for name, call in calls.items():
        x = normal(6, 5)
        given = x.copy()
        call(given)
        if not np.array_equal(given, x):
            n = int(np.argmax(given != x))
            wanted = f"{x.flat[n]!s} as before"
            yield Violation(f"{name}, element {n} of its argument", wanted, str(given.flat[n]))


def bad_data_are_refused(q: Quantizer) -> Iterator[Violation]:
    """NaN and infinity are refused where data enter, not coded; fit refuses empty data too."""

    def quantize(x: Array) -> object:
        return codes_of(x, ONE, ZERO, whole(q))

    def fit(x: Array) -> object:
        return q.fit(x, None)

    tries: list[tuple[str, type[QnnError], Callable[[Array], object], Array]] = [
        ("fit to no data", ShapeError, fit, np.zeros((0, 3), np.float32))
    ]
    for bad in (np.nan, np.inf, -np.inf):
        x = np.array([0.0, bad], np.float32)
        tries.append((f"quantizing {bad}", NonFiniteError, quantize, x))
        tries.append((f"fit to {bad}", NonFiniteError, fit, x))
    for given, error, call, x in tries:
        try:
            found = call(x)
        except error:
            continue
        except Exception as other:
            found = f"{type(other).__name__}: {other}"
        yield Violation(given, f"a {error.__name__}", str(found))
