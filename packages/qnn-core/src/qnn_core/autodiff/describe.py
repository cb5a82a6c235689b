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

    They are those of its first derivative, whose parameters are ``g, y, *inputs, **attributes``.

    Example:
        >>> from qnn_core import ops
        >>> signature(ops.add)
        <Signature (a: Any, b: Any, /) -> qnn_core.autodiff.tensor.Tensor>
    """
    first = next(filter(None, op.given.get("vjps") or ()), None)
    if first is None:
        inputs = [Parameter("inputs", Parameter.VAR_POSITIONAL, annotation=Any)]
        attributes = [Parameter("attributes", Parameter.VAR_KEYWORD, annotation=Any)]
        return inspect.Signature(inputs + attributes, return_annotation=Tensor)
    _, _, *given = inspect.signature(first).parameters.values()
    parameters = [
        each.replace(
            annotation=Any if each.annotation in (Parameter.empty, Tensor) else each.annotation,
            kind=each.kind if each.kind is Parameter.KEYWORD_ONLY else Parameter.POSITIONAL_ONLY,
        )
        for each in given
    ]
    return inspect.Signature(parameters, return_annotation=Tensor)


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
