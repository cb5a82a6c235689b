"""The laws of surrogates and fitting."""

from collections.abc import Callable, Iterator

import numpy as np

from ..errors import NonFiniteError, QnnError, ShapeError
from ..qtensor import codes_of
from ..quantizer import CALIBRATIONS, QParams, Quantizer, codebook
from .law import Violation
from .samples import ONE, ZERO, Array, levels_of, normal, ranges, units_around, variants, whole

# Far outside, where exp and squares overflow.
FAR = (-np.finfo(np.float32).max, -1e20, 1e20, np.finfo(np.float32).max)

# How large a surrogate is in the mean over the range, and outside of it at most.
LEAST_MEAN, MOST_MEAN = 0.5, 2.0


def surrogate_is_sound(q: Quantizer) -> Iterator[Violation]:
    """The surrogate is finite however far out, elementwise, and keeps shape and dtype."""
    for dtype in (np.float32, np.float64):
        u = np.linspace(-4, 4, 101, dtype=dtype) * np.abs(levels_of(q)).max()
        u = np.concatenate([u, np.array(FAR, dtype)])
        w = np.asarray(q.surrogate(u.copy()))
        if w.shape != u.shape or w.dtype != u.dtype:
            found = f"{w.dtype} of shape {w.shape}"
            yield Violation("surrogate", f"{u.dtype} of shape {u.shape}, as given", found)
        elif not np.all(np.isfinite(w)):
            n = int(np.argmin(np.isfinite(w)))
            yield Violation(f"surrogate({u[n]!s})", "a finite number", str(w[n]))
        elif not np.array_equal(w[40:47], q.surrogate(u[40:47].copy())):
            n = 40 + int(np.argmax(w[40:47] != q.surrogate(u[40:47].copy())))
            wanted = "the same alone and among others"
            yield Violation(f"surrogate({u[n]!s})", wanted, f"{w[n]!s} among {len(u)} others")


def gradient_factor_is_sound(q: Quantizer) -> Iterator[Violation]:
    """The factor on the incoming gradient is finite, elementwise, and keeps shape and dtype."""
    u = np.concatenate([np.linspace(-4, 4, 101) * np.abs(levels_of(q)).max(), FAR])
    u = u.astype(np.float32)
    level = codebook(q).levels[q.encode(u)]
    upstream = np.linspace(-2, 2, u.size, dtype=u.dtype)
    factor = np.asarray(q.gradient_factor(u.copy(), level.copy(), upstream.copy()))
    if factor.shape != u.shape or factor.dtype != u.dtype:
        found = f"{factor.dtype} of shape {factor.shape}"
        yield Violation("gradient_factor", f"{u.dtype} of shape {u.shape}, as given", found)
        return
    if not np.isfinite(factor).all():
        n = int(np.argmin(np.isfinite(factor)))
        told = f"gradient_factor({u[n]!s}, {level[n]!s}, {upstream[n]!s})"
        yield Violation(told, "a finite number", str(factor[n]))
        return
    alone = np.asarray(q.gradient_factor(u[40:47], level[40:47], upstream[40:47]))
    if not np.array_equal(alone, factor[40:47]):
        n = 40 + int(np.argmax(alone != factor[40:47]))
        told = f"gradient_factor({u[n]!s}, {level[n]!s}, {upstream[n]!s})"
        yield Violation(
            told, f"{alone[n - 40]!s}, as alone", f"{factor[n]!s} among {len(u)} others"
        )


def surrogate_has_the_size_of_the_steps(q: Quantizer) -> Iterator[Violation]:
    """From the lowest level to the highest, gradients climb as far as values do.

    The straight-through estimator stands in for a staircase with a curve; the surrogate is its
    derivative, so its mean over the range is about 1. Triangle and swish follow a curve: they are 1
    in the mean, not everywhere, and may fall below 0 at the ends. One that is k in the mean
    multiplies gradients by k in each layer; one that is negative over half of the range turns them
    round there. Outside, where values stay what they are, it is not greater than inside.
    """
    low, high = (float(levels_of(q)[end]) for end in (0, -1))
    middles = low + (high - low) * (np.arange(4000) + 0.5) / 4000
    halves = np.asarray(q.surrogate(middles)).reshape(2, -1).mean(axis=1)
    mean = float(halves.mean())
    if not LEAST_MEAN <= mean <= MOST_MEAN:
        yield Violation(
            f"surrogate from {low:g} to {high:g}",
            "a mean of about 1, at least between 1/2 and 2",
            f"a mean of {mean:.3g}: gradients are scaled by the wrong factor",
        )
    elif halves.min() < 0:
        middle = (low + high) / 2
        ends = [(low, middle), (middle, high)][int(halves.argmin())]
        yield Violation(
            f"surrogate from {ends[0]:g} to {ends[1]:g}",
            "a mean of at least 0: values climb there",
            f"a mean of {halves.min():.3g}: gradients have the wrong sign",
        )
    step = (high - low) / (levels_of(q).size - 1)
    beyond = np.linspace(step, 4 * (high - low), 100)
    outside = np.concatenate([low - beyond, high + beyond, FAR])
    w = np.asarray(q.surrogate(outside.copy()))
    if np.abs(w).max() > MOST_MEAN:
        n = int(np.abs(w).argmax())
        wanted = f"at most {MOST_MEAN:g}: values stay what they are out there"
        yield Violation(f"surrogate({outside[n]:.4g}), outside of the range", wanted, f"{w[n]:.3g}")


def scale_gradient_is_sound(q: Quantizer) -> Iterator[Violation]:
    """d/dscale is finite and elementwise, and the level where a value is clipped.

    Outside of the range, where the surrogate is 0, a value is scale times the outermost level.
    """
    levels = codebook(q).levels
    for dtype in (np.float32, np.float64):
        u = np.linspace(-4, 4, 101, dtype=dtype) * np.abs(levels).max()
        u = np.concatenate([u, np.array([-1e20, 1e20], dtype)])
        level = levels.astype(dtype)[np.asarray(q.encode(u.astype(np.float32)))]
        surrogate = np.asarray(q.surrogate(u.copy()), dtype)
        scale_gradient = np.asarray(q.scale_gradient(u.copy(), level.copy(), surrogate.copy()))
        if scale_gradient.shape != u.shape:
            yield Violation(
                "scale_gradient", f"shape {u.shape}, as given", f"shape {scale_gradient.shape}"
            )
            return
        if not np.all(np.isfinite(scale_gradient)):
            n = int(np.argmin(np.isfinite(scale_gradient)))
            yield Violation(f"scale_gradient({u[n]!s})", "a finite number", str(scale_gradient[n]))
            return
        some = slice(40, 47)
        alone = np.asarray(
            q.scale_gradient(u[some].copy(), level[some].copy(), surrogate[some].copy())
        )
        if not np.array_equal(scale_gradient[some], alone):
            n = 40 + int(np.argmax(scale_gradient[some] != alone))
            wanted = f"{alone[n - 40]!s}, as among a few"
            yield Violation(
                f"scale_gradient({u[n]!s}) among {len(u)} numbers", wanted, str(scale_gradient[n])
            )
        clipped = ((u < levels[0]) | (u > levels[-1])) & (surrogate == 0)
        wrong = clipped & ~np.isclose(scale_gradient, level, rtol=1e-3, atol=0)
        if np.any(wrong):
            n = int(wrong.argmax())
            wanted = f"{level[n]:g}, the level that it is clipped to"
            yield Violation(
                f"scale_gradient({u[n]!s}), where the surrogate is 0",
                wanted,
                f"{scale_gradient[n]:g}",
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
                    qparams = each.fit(x.copy(), axis)
                except NonFiniteError:
                    if name != "huge":
                        raise
                    continue  # that is an answer, too
                problem = _problem(qparams, shape)
                if problem is None and axis == 0:
                    problem = _channel_problem(qparams, each.fit(x[0].copy(), None))
                if problem is not None:
                    yield Violation(given, *problem)


def _problem(qparams: QParams, shape: tuple[int, ...]) -> tuple[str, str] | None:
    """Return what is expected of qparams and what is found, or None if it is sound."""
    for part, given in (("scale", qparams.scale), ("zero point", qparams.zero_point)):
        array = np.asarray(given)
        if array.shape != shape or array.dtype != np.float32:
            found = f"{array.dtype} of shape {array.shape}"
            return f"a {part} of shape {shape}, float32 as the data", found
        if not np.all(np.isfinite(array)):
            return f"a finite {part}", str(array)
    if not np.all(np.asarray(qparams.scale) > 0):
        return "a scale > 0", str(qparams.scale)
    follows = -(qparams.scale * qparams.zero_point)
    if not np.array_equal(qparams.shift, follows):
        wanted = f"the shift -scale * zero_point, {follows!s}: layers keep scale and zero point"
        return wanted, str(qparams.shift)
    return None


def _channel_problem(qparams: QParams, alone: QParams) -> tuple[str, str] | None:
    ours = (qparams.scale[0], qparams.zero_point[0])
    theirs = (alone.scale[()], alone.zero_point[()])
    if ours == theirs:
        return None
    told = "channel 0 with scale {} and zero point {}"
    return f"{told.format(*theirs)}, as it has alone", told.format(*ours)


def data_are_left_alone(q: Quantizer) -> Iterator[Violation]:
    """No method of a quantizer writes into the arrays that it is given."""
    u = units_around(q)
    level = codebook(q).levels[np.asarray(q.encode(u.copy()))]
    x = ranges()["data with an outlier"]
    calls: dict[str, tuple[Callable[..., object], list[Array]]] = {
        "encode": (q.encode, [u]),
        "surrogate": (q.surrogate, [u]),
        "gradient_factor": (q.gradient_factor, [u, level, np.ones_like(u)]),
        "scale_gradient": (
            q.scale_gradient,
            [u, level, np.asarray(q.surrogate(u.copy()), u.dtype)],
        ),
        "fit": (q.fit, [x]),
        "qparams_from_range": (q.qparams_from_range, [x.min(axis=1), x.max(axis=1)]),
    }
    for name, (call, arguments) in calls.items():
        given = [array.copy() for array in arguments]
        call(*given)
        for position, (before, after) in enumerate(zip(arguments, given, strict=True)):
            if not np.array_equal(before, after):
                n = int(np.argmax(before != after))
                where = f"{name}, element {n} of argument {position}"
                yield Violation(where, f"{before.flat[n]!s} as before", str(after.flat[n]))


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
