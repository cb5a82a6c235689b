"""The laws of quantized values, in training and in evaluation."""

from collections.abc import Iterator

import numpy as np

from ..autodiff import Tensor
from ..nn import MLP, Module, Quantize, Sequential
from ..ops import fake_quantize, softmax_cross_entropy
from ..optim import SGD
from ..qtensor import encode, units
from ..quantizer import Quantizer, codebook
from ..quantizer.base import SCALES as KINDS
from .law import Violation
from .samples import Array, axes, first, normal, of_input, spread, variants, whole

SCALES = (*KINDS, 0.5)


def value_is_exact(q: Quantizer) -> Iterator[Violation]:
    """A quantized value is scale * levels[code] + shift, bit for bit, from packed codes too."""
    for each in axes(q):
        for dtype in (np.float32, np.float64):
            x = normal(6, 5, dtype=dtype)
            coded = encode(x, each)
            scale, shift = (spread(part, x, each.axis) for part in (coded.scale, coded.shift))
            expected = scale * coded.levels[coded.codes].astype(dtype) + shift
            value = fake_quantize(Tensor(x, dtype), coded.scale, coded.shift, quantizer=each).data
            ways = {"fake_quantize": value, "decoding packed codes": coded.decode()}
            for way, found in ways.items():
                if found.dtype != dtype or not np.array_equal(found, expected):
                    at = first(np.atleast_2d(found != expected)) if found.dtype == dtype else (0, 0)
                    given = f"{way} of {x[at]!s}, axis {each.axis}"
                    yield Violation(given, f"{expected[at]!r}", f"{found[at]!r}")


def gradient_is_as_stated(q: Quantizer) -> Iterator[Violation]:
    """d/dx = w(u), d/dscale = sum(scale_gradient), d/dshift = sum(1 - w(u)), times what comes in.

    In place of w(u), d/dx may be a `gradient_factor`. The default of scale_gradient is
    ``levels[code] - u w(u)``.
    """
    for each in axes(q):
        x = normal(6, 5, dtype=np.float64)
        coded = encode(x, each)
        tensors = [Tensor(t, np.float64, requires_grad=True) for t in (x, coded.scale, coded.shift)]
        # Of both signs: a factor may depend on what comes in.
        g = normal(6, 5, dtype=np.float64)[::-1].copy()
        (fake_quantize(*tensors, quantizer=each) * g).sum().backward()
        u = units(x, coded.scale, coded.shift, each.axis)
        w = np.asarray(each.surrogate(u), np.float64)
        levels = coded.levels.astype(np.float64)[coded.codes]
        stated = {
            "x": g * np.asarray(each.gradient_factor(u.copy(), levels.copy(), g.copy())),
            "scale": _per_channel(g * _scale_gradient(each, u, levels, w), each.axis),
            "shift": _per_channel(g * (1 - w), each.axis),
        }
        for (name, wanted), tensor in zip(stated.items(), tensors, strict=True):
            found = np.zeros_like(wanted) if tensor.grad is None else tensor.grad.data
            wrong = ~np.isclose(found, wanted, rtol=1e-9, atol=1e-9)
            if np.any(wrong):
                at = first(np.atleast_1d(wrong)) if wrong.ndim else ()
                given = f"d/d{name} at {list(at)}, axis {each.axis}"
                yield Violation(given, f"{wanted[at]:.6g}", f"{found[at]:.6g}")


def _scale_gradient(q: Quantizer, u: Array, levels: Array, w: Array) -> Array:
    """Return what d/dscale is to be: PACT's, or the scheme's own, or LSQ's."""
    if type(q).scale_gradient is not Quantizer.scale_gradient:
        return np.asarray(q.scale_gradient(u, levels, w), np.float64)
    ends = codebook(q).levels[[0, -1]].astype(np.float64)
    outside = (u < ends[0]) | (u > ends[1])
    scale_gradient: Array = levels * outside if q.scale == "pact" else levels - u * w
    return scale_gradient


def _per_channel(terms: Array, axis: int | None) -> Array:
    if axis is None:
        return np.asarray(terms.sum())
    return np.asarray(terms.sum(axis=tuple(a for a in range(terms.ndim) if a != axis % terms.ndim)))


def evaluation_is_frozen(q: Quantizer) -> Iterator[Violation]:
    """In evaluation a sample's result depends on no other sample, and nothing is fitted."""
    x = normal(6, 5)
    x[-1] *= 100  # a scale that follows the batch would follow this sample
    for each in variants(of_input(whole(q)), "scale", SCALES):
        layer = Quantize(each)
        layer(Tensor(x[:-1]))
        layer.eval()
        before = layer.state_dict()
        alone = np.concatenate([layer(Tensor(row[None])).data for row in x])
        together, again = layer(Tensor(x)).data, layer(Tensor(x)).data
        for given, found in (
            ("evaluating it in a batch with one 100 times as large", together),
            ("evaluating it a second time", again),
        ):
            if not np.array_equal(found, alone):
                at = first(found != alone)
                yield Violation(
                    f"scale={each.scale}: {x[at]!s}, {given}",
                    f"{alone[at]!s}, what it gives alone",
                    str(found[at]),
                )
        for name, array in layer.state_dict().items():
            if not np.array_equal(array, before[name]):
                given = f"scale={each.scale}: {name} after an evaluation"
                yield Violation(given, f"{before[name]} as before", str(array))


def training_is_repeatable(q: Quantizer) -> Iterator[Violation]:
    """Two trainings from the same seed give the same bits, all of them finite."""
    for scale in dict.fromkeys([q.scale, "learned", "calibrated"]):
        for each in variants(whole(q), "scale", [scale]):
            one, other = (_trained(each) for _ in range(2))
            theirs = other.state_dict()
            for name, array in one.state_dict().items():
                if not np.all(np.isfinite(array)):
                    found = str(array[~np.isfinite(array)][:1])
                    yield Violation(f"scale={scale}: {name}", "finite numbers", found)
                elif not np.array_equal(array, theirs[name]):
                    at = first(np.atleast_1d(array != theirs[name])) if array.ndim else ()
                    given = f"scale={scale}: {name} at {list(at)} after a second training"
                    yield Violation(given, f"{array[at]!s}", f"{theirs[name][at]!s}")


def state_is_complete(q: Quantizer) -> Iterator[Violation]:
    """A model that takes over another's state evaluates as that does, to the bit."""
    for each in variants(whole(q), "scale", SCALES):
        trained, fresh = _trained(each), _model(each, seed=7)
        fresh.load_state_dict(trained.state_dict())
        x = Tensor(normal(9, 12))
        ours, theirs = trained.eval()(x).data, fresh.eval()(x).data
        if not np.array_equal(ours, theirs):
            at = first(ours != theirs)
            yield Violation(f"scale={each.scale}: output {at}", f"{ours[at]!s}", f"{theirs[at]!s}")


def _model(q: Quantizer, seed: int) -> Sequential:
    of_data = of_input(q)
    return MLP([12, 8, 3], weight=q, input=of_data, last_weight=q, last_input=of_data, seed=seed)


def _trained(q: Quantizer, steps: int = 2) -> Module:
    model = _model(q, seed=0)
    optimizer = SGD(model.parameters(), lr=0.05)
    for step in range(steps):
        x = normal(16, 12, seed=step)
        loss = softmax_cross_entropy(model(Tensor(x)), np.arange(16) % 3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model
