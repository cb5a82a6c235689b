"""The laws of what a quantizer does in training only: fields that are trained, and noise."""

from collections.abc import Iterator

import numpy as np

from ..errors import SpecError
from ..nn import Quantize
from ..quantizer import Quantizer, codebook
from ..quantizer.trained_fields import with_values
from .fitting import DATA, FAR
from .law import NotApplicable, Violation
from .samples import Array, axes, levels_of, normal, of_input

DRAWS = 8  # of values inside the bounds
MANY = 400  # draws of noise, whose mean is looked at


def trained_fields_stay_sound(q: Quantizer) -> Iterator[Violation]:
    """Whatever an optimizer makes of the trained fields inside their bounds is a quantizer.

    So it is for what `fitted` gives, for any data; and gradients reach each field.
    """
    _has_fields(q)
    for name, value in q.trained_values().items():
        low, high = q.trained[name]
        if not np.all((value >= low) & (value <= high)):
            yield Violation(f"{name} as it begins", f"inside {low:g}..{high:g}", str(value))
            return
    rng = np.random.default_rng(0)
    for told, share in [("low", 0.0), ("high", 1.0), *[("drawn", None)] * DRAWS]:
        values = {}
        for name, value in q.trained_values().items():
            low, high = (np.clip(end, -1e6, 1e6) for end in q.trained[name])
            at = rng.random(value.shape) if share is None else np.full(value.shape, share)
            values[name] = np.asarray(low + (high - low) * at, np.float32)
        problem = _problem(q, values)
        if problem:
            given = f"values inside the bounds ({told}): {_shown(values)}"
            yield Violation(given, "levels that ascend, one code for each", problem)
            return
    for name, x in DATA.items():
        for each in axes(q):
            if name == "huge" or each.axis == 1:
                continue
            values = each.fitted(x.copy(), each.axis)[0].trained_values()
            outside = [n for n, v in values.items() if not _inside(v, q.trained[n])]
            problem = f"{outside[0]} outside of its bounds" if outside else _problem(each, values)
            if problem:
                given = f"fitted to {name} data, axis {each.axis}: {_shown(values)}"
                yield Violation(given, "a sound quantizer", problem)
                return


def trained_gradients_are_sound(q: Quantizer) -> Iterator[Violation]:
    """Each trained field gets a finite gradient of its shape, and not always 0."""
    _has_fields(q)
    u = (normal(40, 50) * np.abs(levels_of(q)).max() / 2).astype(np.float32)
    gradient = normal(40, 50, seed=2)
    found = q.trained_gradients(u.copy(), q.encode(u), gradient.copy())
    for name, value in q.trained_values().items():
        given = f"trained_gradients, {name}"
        if name not in found:
            yield Violation(given, f"a gradient of shape {value.shape}", "none")
            continue
        slope = np.asarray(found[name])
        if slope.shape != value.shape or not np.all(np.isfinite(slope)):
            told = f"shape {slope.shape}" if slope.shape != value.shape else str(slope)
            yield Violation(given, f"finite numbers of shape {value.shape}", told)
        elif not np.any(slope):
            yield Violation(
                given,
                "a gradient other than 0: else the field is not trained",
                "0 everywhere; a field that moves no level needs trained_gradients of its own",
            )
    layer = Quantize(of_input(q) if q.axis is None else _along_columns(q), channels=50)
    layer(normal(40, 50)).sum().backward()
    for name, field in layer.trained.items():
        if field.grad is None or not np.all(np.isfinite(field.grad.data)):
            yield Violation(f"{name} after backward", "a finite gradient", str(field.grad))


def training_levels_are_sound(q: Quantizer) -> Iterator[Violation]:
    """What stands for levels in training is finite, repeatable, and near u in the mean."""
    if type(q).training_levels is Quantizer.training_levels:
        raise NotApplicable("it draws nothing in training")
    levels = codebook(q).levels
    u = np.concatenate([np.linspace(levels[0], levels[-1], 101), FAR]).astype(np.float32)

    def drawn(seed: int) -> Array:
        return np.asarray(q.training_levels(u.copy(), np.random.default_rng(seed)))

    one = drawn(0)
    if one.shape != u.shape or one.dtype != u.dtype:
        found = f"{one.dtype} of shape {one.shape}"
        yield Violation("training_levels", f"{u.dtype} of shape {u.shape}, as given", found)
    elif not np.all(np.isfinite(one)):
        n = int(np.argmin(np.isfinite(one)))
        yield Violation(f"training_levels({u[n]!s})", "a finite number", str(one[n]))
    elif not np.array_equal(one, drawn(0)):
        wanted = "the same numbers: the generator that is given is all that is random"
        yield Violation("training_levels, twice with one generator's state", wanted, "others")
    else:
        mean = np.mean([drawn(seed) for seed in range(MANY)], axis=0)[:101]
        step = float(np.diff(levels).max())
        off = np.abs(mean - u[:101])
        if off.max() > step:
            n = int(off.argmax())
            wanted = f"within a step of it, {step:g}, in the mean of {MANY} draws"
            yield Violation(f"training_levels({u[n]:.4g})", wanted, f"{mean[n]:.4g}")


def _has_fields(q: Quantizer) -> None:
    if not q.trained:
        raise NotApplicable("no field of it is trained")


def _along_columns(q: Quantizer) -> Quantizer:
    return next(each for each in axes(of_input(q)) if each.axis == 1)


def _inside(value: Array, bounds: tuple[float, float]) -> bool:
    return bool(np.all((value >= np.float32(bounds[0])) & (value <= np.float32(bounds[1]))))


def _problem(q: Quantizer, values: dict[str, Array]) -> str:
    """Return what is wrong with the quantizer that has these values, or nothing."""
    try:
        codebook(with_values(q, values))
    except SpecError as error:
        return str(error)
    return ""


def _shown(values: dict[str, Array]) -> str:
    return ", ".join(f"{name}={value!s:.60}" for name, value in values.items())
