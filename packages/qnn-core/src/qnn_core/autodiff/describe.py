"""What ``help`` and documentation say of an operation: a signature and a docstring of its own."""

import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any

from .tensor import Tensor


class PerInstance:
    """An attribute that the class has, and each of its instances in a way of its own.

    Types have a ``__doc__`` that their instances share; this is how an instance has another.
    """

    def __init__(self, of_class: Any, of_instance: Callable[[Any], Any]) -> None:
        self._of_class = of_class
        self._of_instance = of_instance

    def __get__(self, instance: Any, owner: type) -> Any:
        return self._of_class if instance is None else self._of_instance(instance)


def signature(op: Any) -> inspect.Signature:
    """Return how an operation is called: its inputs by position, its attributes by keyword.

    They are those of its first derivative, whose parameters are ``g, y, *inputs, **attributes``; of
    one that says them in another way any call is possible.

    Example:
        >>> from qnn_core import ops
        >>> signature(ops.add)
        <Signature (a: Any, b: Any, /) -> qnn_core.autodiff.tensor.Tensor>
    """
    first: Any = next(filter(None, op.given.get("vjps") or ()), None)
    try:
        _, _, *given = inspect.signature(first).parameters.values()
        return inspect.Signature([*map(_called, given)], return_annotation=Tensor)
    except (TypeError, ValueError):  # no function, not two parameters, or in another order
        inputs = Parameter("inputs", Parameter.VAR_POSITIONAL, annotation=Any)
        attributes = Parameter("attributes", Parameter.VAR_KEYWORD, annotation=Any)
        return inspect.Signature([inputs, attributes], return_annotation=Tensor)


def _called(given: Parameter) -> Parameter:
    """Return a parameter of a derivative as one of the operation."""
    plain = given.kind is Parameter.POSITIONAL_OR_KEYWORD
    return given.replace(
        annotation=Any if given.annotation in (Parameter.empty, Tensor) else given.annotation,
        kind=Parameter.POSITIONAL_ONLY if plain else given.kind,
    )


def docstring(op: Any) -> str | None:
    """Return what an operation was declared to be, below how it is called, as NumPy's ufuncs do.

    Example:
        >>> from qnn_core import ops
        >>> print(docstring(ops.relu).splitlines()[0])
        relu(x, /) -> Tensor
    """
    if not op.doc:
        return None
    called = signature(op)
    plain = [each.replace(annotation=Parameter.empty) for each in called.parameters.values()]
    bare = inspect.Signature(plain)
    return f"{op.name}{bare} -> Tensor\n\n{inspect.cleandoc(op.doc)}"
