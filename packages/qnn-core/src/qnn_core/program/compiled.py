"""Steps of training whose models run as programs."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, ParamSpec, TypeVar

from .cases import Programs

P = ParamSpec("P")
T = TypeVar("T")


class Compiled(Generic[P, T]):
    """A step of training whose models run as programs; see `compiled`.

    Attributes:
        reasons: why a model does not, by its class and the shapes of its inputs; empty if all do,
            or if none was called three times yet: the `repr` says which.

    Raises:
        TypeError: for what is no function, or is a model.

    Example:
        >>> @compiled
        ... def step(x):
        ...     return x
        >>> step
        compiled(step)
          no model was called yet
        >>> step.reasons
        {}
    """

    def __init__(self, step: Callable[P, T]) -> None:
        if not callable(step) or hasattr(step, "named_parameters"):
            raise TypeError(
                f"compiled: a function that trains by one step is needed, got {type(step).__name__}"
                "; of models it runs what they do, see fit"
            )
        update_wrapper(self, step)
        self._step = step
        self._programs = Programs()

    @property
    def reasons(self) -> dict[str, str]:
        """See the class."""
        return self._programs.reasons

    def __repr__(self) -> str:
        states = self._programs.states() or ["no model was called yet"]
        return "\n  ".join([f"compiled({getattr(self._step, '__name__', self._step)!s})", *states])

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry the step out."""
        before = self._programs.begin()
        try:
            return self._step(*args, **kwargs)
        finally:
            self._programs.end(before)


def compiled(step: Callable[P, T]) -> Compiled[P, T]:
    """Return a step of training that does without the Python of its models: the same bits, sooner.

    The first two calls of each model in training mode are recorded. If they did the same, later
    ones carry out their operations again, forward and backward, without running `forward`, building
    a tape or looking for the way back. What is outside of models (losses, clipping, optimizers)
    runs as ever. Batch statistics, calibrated ranges, dropout and noise go on as they would. Now
    and then `forward` is run again, to see that it still does the same.

    It is noticed, and the model recorded anew, if an input has another shape, or if a mode, an
    attribute, what a list holds, a parameter's array or ``requires_grad`` has changed. What a
    `forward` does beside operations (printing, reading a clock or a file) is done only while it is
    recorded. If two calls differ, or it reads numbers of tensors in Python, draws random numbers,
    changes attributes or returns something else than one tensor, it runs as it did before, and
    `Compiled.reasons` says why; if that shows only later, a `TrainingWarning` does. A model whose
    derivatives are differentiated again is left to the tape after the first time, in which sums are
    taken in another order; so they are for a parameter that is used several times in the model, and
    outside of it too. Of numbers that overflow, kernels give no warnings or errors as NumPy does
    (`numpy.errstate`).

    Args:
        step: any function that calls models; also a decorator.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([4, 8, 3], weight="symmetric:2", seed=0).train()
        >>> optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
        >>> @qnn.compiled
        ... def step(x, labels):
        ...     loss = qnn.ops.softmax_cross_entropy(model(x), labels)
        ...     optimizer.zero_grad()
        ...     loss.backward()
        ...     optimizer.step()
        ...     return loss.item()
        >>> x, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 2, 0])
        >>> losses = [step(x, labels) for _ in range(20)]
        >>> losses[-1] < losses[0], step.reasons
        (True, {})
    """
    return Compiled(step)
