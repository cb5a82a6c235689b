"""The laws of a differentiable operation, checked by finite differences along random directions."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..autodiff import Op, Tensor
from ..autodiff.mode import recording
from .law import LawError

Array = NDArray[Any]
Function = Callable[..., Tensor]

# The central difference's step in float64: its error and the rounding's are then about 1e-9.
STEP = 1e-5
TOLERANCE = 1e-6


def check_op(
    function: Function, *inputs: ArrayLike, order: int = 2, seed: int = 0, **attributes: Any
) -> None:
    """Check an operation, or any function made of operations, on an example.

    The laws: float32 in gives float32 out, and float64 float64; every operation inside gives the
    shape that its rule promises; the derivative along a random direction is that of the central
    difference, in float64; so is the derivative's derivative.

    Args:
        function: takes tensors and the attributes, returns a tensor.
        inputs: arrays at which it is differentiable; stay away from kinks, such as 0 for relu.
        order: 1 leaves the second derivative out.
        seed: of the random directions.
        attributes: keyword arguments for the function.

    Raises:
        LawError: that names each broken law, the input and the numbers.

    Example:
        >>> import qnn_core as qnn
        >>> check_op(qnn.ops.tanh, [[0.5, -1.0]])
        >>> from qnn_core.autodiff import OPS, op
        >>> wrong = op("doc_wrong", np.square, shape=lambda s: s, vjps=[lambda g, y, x: g * x])
        >>> check_op(wrong, [1.0], order=1)
        Traceback (most recent call last):
        qnn_core.checks.law.LawError: doc_wrong breaks a law:
          first derivative: along a random direction it is ..., the difference quotient ...
        >>> _ = OPS.pop("doc_wrong")
    """
    name = getattr(function, "name", getattr(function, "__name__", repr(function)))
    check = _Check(function, [np.asarray(x, np.float64) for x in inputs], attributes, seed)
    violations = [*check.dtypes(), *check.shapes()]
    if not check.depends():
        violations.append("first derivative: the output does not depend on the inputs")
    else:
        violations += check.first()
        violations += check.second() if order > 1 else []
    if violations:
        raise LawError(name, violations)


class _ShapeRecorder:
    """Compares each operation's output with its shape rule."""

    def __init__(self) -> None:
        self.violations: list[str] = []

    def record(
        self, op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        promised = op.shape(*(t.shape for t in inputs), **attributes)
        if promised != output.shape:
            self.violations.append(
                f"shape rule: {op.name} of {[t.shape for t in inputs]} promises {promised} "
                f"and gives {output.shape}"
            )

    lenient = True
    whole = False

    def effect(self, action: object, tensor: Tensor, *, reads: bool) -> None:
        pass

    def seen(self, tensor: Tensor) -> None:
        pass

    def enter(self, module: object) -> None:
        pass

    def leave(self) -> None:
        pass


class _Check:
    def __init__(
        self, function: Function, inputs: list[Array], attributes: dict[str, Any], seed: int
    ) -> None:
        self.function = function
        self.inputs = inputs
        self.attributes = attributes
        rng = np.random.default_rng(seed)
        self.direction = [rng.standard_normal(x.shape) for x in inputs]
        self.second_direction = [rng.standard_normal(x.shape) for x in inputs]
        self.weight = rng.standard_normal(self._output(inputs).shape)

    def _output(self, inputs: list[Array], dtype: Any = np.float64) -> Tensor:
        return self.function(*(Tensor(x, dtype) for x in inputs), **self.attributes)

    def dtypes(self) -> list[str]:
        violations = []
        for dtype in (np.float32, np.float64):
            given = self._output(self.inputs, dtype).dtype
            if given != dtype:
                violations.append(f"dtype: {np.dtype(dtype)} inputs give {given}")
        return violations

    def shapes(self) -> list[str]:
        recorder = _ShapeRecorder()
        with recording(recorder):
            self._output(self.inputs)
        return recorder.violations

    def depends(self) -> bool:
        return self._value(self.inputs).requires_grad

    def first(self) -> list[str]:
        exact = _dot(self._gradients(self.inputs), self.direction)
        quotient = self._quotient(lambda inputs: self._value(inputs).item(), self.direction)
        return _compare("first derivative", exact, quotient)

    def second(self) -> list[str]:
        def slope(inputs: list[Array]) -> float:
            return _dot(self._gradients(inputs), self.direction)

        quotient = self._quotient(slope, self.second_direction)
        return _compare("second derivative", self._curvature(), quotient)

    def _tensors(self, inputs: list[Array]) -> list[Tensor]:
        return [Tensor(x, np.float64, requires_grad=True) for x in inputs]

    def _value(self, inputs: list[Array], tensors: list[Tensor] | None = None) -> Tensor:
        given = self._tensors(inputs) if tensors is None else tensors
        return (self.function(*given, **self.attributes) * self.weight).sum()

    def _gradients(self, inputs: list[Array]) -> list[Array]:
        tensors = self._tensors(inputs)
        self._value(inputs, tensors).backward()
        return [np.zeros(t.shape) if t.grad is None else t.grad.data for t in tensors]

    def _curvature(self) -> float:
        tensors = self._tensors(self.inputs)
        self._value(self.inputs, tensors).backward(create_graph=True)
        terms = [
            (t.grad * d).sum()
            for t, d in zip(tensors, self.direction, strict=True)
            if t.grad is not None and t.grad.requires_grad
        ]
        if not terms:
            return 0.0
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        for t in tensors:
            t.grad = None
        total.backward()
        gradients = [np.zeros(t.shape) if t.grad is None else t.grad.data for t in tensors]
        return _dot(gradients, self.second_direction)

    def _quotient(self, f: Callable[[list[Array]], float], direction: list[Array]) -> float:
        ahead = [x + STEP * d for x, d in zip(self.inputs, direction, strict=True)]
        behind = [x - STEP * d for x, d in zip(self.inputs, direction, strict=True)]
        return (f(ahead) - f(behind)) / (2 * STEP)


def _dot(a: list[Array], b: list[Array]) -> float:
    return float(sum(np.vdot(x, y) for x, y in zip(a, b, strict=True)))


def _compare(law: str, exact: float, quotient: float) -> list[str]:
    if abs(exact - quotient) <= TOLERANCE * max(1.0, abs(exact), abs(quotient)):
        return []
    return [
        f"{law}: along a random direction it is {exact:.8g}, the difference quotient {quotient:.8g}"
    ]
