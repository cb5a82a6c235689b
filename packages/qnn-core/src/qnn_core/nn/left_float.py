"""What a float layer knows of itself: why it is float, and its bounds if it were not."""

from typing import Any

Bounds = tuple[float, float] | None

# Of a layer; neither parameter nor buffer, so that no file holds it.
NOTE = "_left_float"


def leave_float(layer: Any, why: str, bounds: Bounds = None) -> None:
    """Note on a layer why it has no quantizers.

    Args:
        layer: a float layer.
        why: in a few words, for `qnn.skipped`.
        bounds: ``(low, high)`` that its weights are kept inside once a rule quantizes it.
    """
    vars(layer)[NOTE] = why, bounds


def not_asked(place: str = "") -> str:
    """Return that the arguments for a layer are None: those of the first or last one, or of all.

    Example:
        >>> not_asked(), not_asked("last")
        ('weight and input are None', 'the last layer: last_weight and last_input are None')
    """
    if not place:
        return "weight and input are None"
    return f"the {place} layer: {place}_weight and {place}_input are None"


def why_float(layer: Any) -> str:
    """Return why a layer is float, ``""`` if nobody said.

    Example:
        >>> import qnn_core as qnn
        >>> why_float(qnn.MLP([3, 4, 2], weight="binary").layers[-1])
        'the last layer: last_weight and last_input are None'
    """
    why: str = vars(layer).get(NOTE, ("", None))[0]
    return why


def bounds_if_quantized(layer: Any) -> Bounds:
    """Return the bounds that a float layer was built with, which count where it is quantized.

    Example:
        >>> import qnn_core as qnn
        >>> bounds_if_quantized(qnn.MLP([3, 4, 2], weight_bounds=(-1, 1)).layers[0])
        (-1, 1)
    """
    bounds: Bounds = vars(layer).get(NOTE, ("", None))[1]
    return bounds
