"""A factor on a gradient, and on nothing else."""

from typing import Any

from ..autodiff import Array, Shape, Tensor, op


def _shape(x: Shape, *, factor: float) -> Shape:
    return x


def _forward(x: Array, *, factor: float) -> Array:
    return x.copy()


def _vjp(g: Tensor, y: Tensor, x: Tensor, *, factor: float) -> Tensor:
    return g * factor


_scale_gradient_op = op("scale_gradient", _forward, shape=_shape, vjps=[_vjp], reads=[])


def scale_gradient(x: Any, factor: float) -> Tensor:
    """Return `x` as it is; its gradient is multiplied by `factor` on the way back.

    (``gradscale`` of Esser et al. 2020, arXiv:1902.08153, appendix.)

    Example:
        >>> import qnn_core as qnn
        >>> step = qnn.Parameter(3.0)
        >>> scale_gradient(step, 0.1).backward()
        >>> step.grad
        Tensor(0.1)
    """
    return _scale_gradient_op(x, factor=factor)
