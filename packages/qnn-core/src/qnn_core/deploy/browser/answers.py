"""What the outputs of a page's nets are: scores of classes, a logit, or numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from ...errors import ShapeError, SpecError
from ..graph import Shape

Task = Literal["classes", "binary", "regression"]


class Answers(NamedTuple):
    """How a page reads outputs.

    Attributes:
        task: as in `PackedModel.predict`.
        classes: names, one for each score; of a logit two, for no and yes; of numbers any.
    """

    task: Task
    classes: list[str]


def answers_of(
    shapes: Mapping[str, Sequence[Shape]], task: Task | None, classes: Sequence[str] | None
) -> Answers:
    """Return how outputs are read.

    Args:
        shapes: of the outputs of each net, by its name; the first is its answer.
        task: None for classes, where there are several numbers, else regression.
        classes: None for their numbers.

    Raises:
        ShapeError: if nets of one page give answers of several sizes, or no classes, or several
            rows of scores.
        SpecError: for another task, or names that do not fit.
    """
    if task not in (None, *get_args(Task)):
        raise SpecError(f"page: task must be one of {', '.join(get_args(Task))}, got {task!r}")
    first = {name: math.prod(given[0]) for name, given in shapes.items()}
    if len(set(first.values())) > 1:
        told = ", ".join(f"{name} {size}" for name, size in first.items())
        raise ShapeError(f"page: nets of one page give as many numbers; these give {told}")
    (count,) = set(first.values())
    task = task or ("classes" if count > 1 else "regression")
    if task == "binary" and count != 1:
        raise ShapeError(f"page: task='binary' is for one logit; the nets give {count} numbers")
    if task == "classes" and count < 2:
        raise ShapeError(
            "page: one number has no classes to choose from; task='binary' is for a logit of yes "
            "and no, task='regression' for a number"
        )
    for name, (shape, *_) in shapes.items():
        if task == "classes" and shape[-1] != count:
            raise ShapeError(
                f"page: one row of scores has a class to choose; {name} gives {shape}; "
                "task='regression' shows numbers"
            )
    wanted = 2 if task == "binary" else count
    if classes is None:
        plain = ["no", "yes"] if task == "binary" else [str(n) for n in range(wanted)]
        return Answers(task, plain if task != "regression" or count > 1 else [""])
    names = [str(name) for name in classes]
    if len(names) != wanted:
        raise SpecError(f"page: {wanted} names of classes are needed, got {len(names)}: {names}")
    return Answers(task, names)
