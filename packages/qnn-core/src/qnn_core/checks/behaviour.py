"""The laws of what a layer does: in training, in evaluation and deployed."""

from collections.abc import Iterator

import numpy as np

from ..autodiff import Tensor
from ..deploy import pack
from ..errors import GraphError, PackError
from ..machine import cpu
from ..nn import Module
from ..optim import SGD
from .law import NotApplicable, Violation
from .layer_under_test import Made
from .samples import first, normal


def layer_runs(made: Made) -> Iterator[Violation]:
    """A batch gives a finite row of output for each sample; gradients reach a parameter."""
    layer = made.fresh()
    y = layer(Tensor(made.x))
    if y.ndim != 2 or len(y.data) != len(made.x):
        wanted = f"shape ({len(made.x)}, out_features)"
        yield Violation(f"a batch of shape {made.x.shape}", wanted, f"shape {y.shape}")
    elif not np.all(np.isfinite(y.data)):
        yield Violation("a batch of ordinary numbers", "finite outputs", str(y.data))
    elif not y.requires_grad:
        yield Violation("the output in training", "a gradient for some parameter", "none")
    else:
        y.sum().backward()


def evaluation_is_frozen(made: Made) -> Iterator[Violation]:
    """In evaluation a sample's result depends on no other sample of its batch."""
    layer = made.fitted()
    x = made.x.copy()
    x[-1] *= 100  # a scale that follows the batch would follow this sample
    together, alone = layer(Tensor(x)).data, layer(Tensor(x[:1])).data
    # Not to the bit: matmul, which is NumPy's, rounds one row in another way than many.
    if not np.allclose(together[:1], alone, rtol=1e-3, atol=1e-4 * np.abs(alone).max()):
        n = int(np.abs(together[0] - alone[0]).argmax())
        yield Violation(
            f"output {n} of a sample, evaluated in a batch with one 100 times as large",
            f"{alone[0, n]!s}, what it gives alone",
            f"{together[0, n]!s}: a scale depends on the batch, at evaluation too",
        )


def evaluation_is_repeatable(made: Made) -> Iterator[Violation]:
    """Evaluating again gives the same bits, and changes no parameter or buffer."""
    layer = made.fitted()
    before = layer.state_dict()
    one, other = layer(Tensor(made.x)).data, layer(Tensor(made.x)).data
    if not np.array_equal(one, other):
        at = first(one != other)
        yield Violation(f"output {list(at)}, evaluated again", str(one[at]), str(other[at]))
    for name, array in layer.state_dict().items():
        if not np.array_equal(array, before[name]):
            yield Violation(f"{name} after an evaluation", "the same as before", "other numbers")


def training_is_repeatable(made: Made) -> Iterator[Violation]:
    """Two trainings from the same state give the same bits, all of them finite."""
    one, other = (_trained(made).state_dict() for _ in range(2))
    for name, array in one.items():
        if not np.all(np.isfinite(array)):
            yield Violation(f"{name} after training", "finite numbers", "NaN or infinity")
        elif not np.array_equal(array, other[name]):
            wanted = "the same numbers both times"
            yield Violation(f"{name} after training", wanted, "others the second time")


def _trained(made: Made) -> Module:
    layer = made.fresh().train()
    optimizer = SGD(layer.parameters(), lr=0.01)
    for seed in range(3):
        y = layer(Tensor(made.x + normal(*made.x.shape, seed=seed)))
        optimizer.zero_grad()
        (y * y).mean().backward()
        optimizer.step()
    return layer


def state_is_complete(made: Made) -> Iterator[Violation]:
    """A layer that takes over another's state evaluates as that does, to the bit."""
    trained, fresh = _trained(made), made.make()
    fresh.load_state_dict(trained.state_dict())
    ours, theirs = (layer.eval()(Tensor(made.x)).data for layer in (trained, fresh))
    if not np.array_equal(ours, theirs):
        at = first(ours != theirs)
        yield Violation(f"output {list(at)} after load_state_dict", str(ours[at]), str(theirs[at]))


def engine_is_evaluation(made: Made) -> Iterator[Violation]:
    """A packed layer gives the bits of the evaluation, on every kernel path of this processor."""
    layer = made.fitted()
    expected = layer(Tensor(made.x)).data
    try:
        packed = pack(layer, made.x)
    except GraphError as error:
        raise NotApplicable(f"it cannot be packed: {error}") from error
    except PackError as error:
        yield Violation("packing it", "what evaluation gives, to the bit", str(error))
        return
    for path in cpu.paths():
        with cpu.using(path):
            ways = {"packed": np.asarray(packed(made.x)), "evaluated": layer(Tensor(made.x)).data}
        for way, found in ways.items():
            if not np.array_equal(found, expected):
                at = first(found != expected)
                given = f"{way} on kernel path {path}, output {list(at)}"
                yield Violation(given, f"{expected[at]!s}, what evaluation gives", str(found[at]))
