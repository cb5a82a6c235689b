"""What the image data sets have in common."""

from typing import Literal

from .transforms import Compose, Flatten, Normalize, ToFloat, Transform

TransformChoice = Transform | Literal["default"] | None
"""A transform, none, or the data set's default one."""


def choose_transform(choice: TransformChoice, mean: float, std: float) -> Transform | None:
    """Return what `choice` stands for; the default suits an MLP: normalised rows of float32."""
    if isinstance(choice, str):
        if choice != "default":
            raise ValueError(f'transform must be a function, None or "default", not {choice!r}')
        return Compose([ToFloat(), Normalize(mean, std), Flatten()])
    return choice
