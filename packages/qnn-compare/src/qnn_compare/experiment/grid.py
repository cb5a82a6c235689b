"""A grid of configs: schemes by widths, and the combinations that have no meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from qnn_core.errors import CompareError, PluginError, SpecError
from qnn_core.quantizer import Quantizer

from .arguments import listed, short
from .configs import Config, one_line
from .own_quantizer import GivenQuantizer, sized_quantizer
from .spec_bits import FLOAT, with_bits, without_bits

# A width for weights and inputs, or one for each.
Width = int | tuple[int, int]


@dataclass(frozen=True)
class LeftOut:
    """A combination of a grid that is not compared.

    Attributes:
        config: its name.
        reason: in the scheme's own words.
        broken: whether its plugin is at fault; else these bits have no meaning.

    Example:
        >>> print(LeftOut("binary:4", "Binary: there is one bit").reason)
        Binary: there is one bit
    """

    config: str
    reason: str
    broken: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it; the first stores call a config an arm."""
        return {"arm": self.config, "reason": self.reason, "broken": self.broken}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "LeftOut":
        """Undo `to_json`; a TypeError or KeyError if it is none."""
        return cls(content["arm"], content["reason"], content.get("broken", False))


def configs_of(
    weights: Sequence[GivenQuantizer],
    activations: Sequence[GivenQuantizer] | None,
    bits: Sequence[Width] | None,
) -> tuple[list[Config], list[LeftOut]]:
    """Return the configs of a grid of schemes and widths, float first, and what has no meaning.

    Args:
        weights: specs without bits, or with them if `bits` is None; None or "float" for float;
            classes and objects of one's own.
        activations: likewise, each beside each weight; None: the same as the weight.
        bits: widths, 1 to 8 and 32 for float, or pairs of them for weights and inputs.

    Raises:
        CompareError: if nothing quantized is left.
        SpecError: for an unknown scheme, a malformed spec or width, or a scheme that has no
            meaning at any width at all.

    Example:
        >>> configs, left_out = configs_of(["binary"], None, [1, 2, 32])
        >>> [config.name for config in configs], [out.config for out in left_out]
        (['float', 'binary:1'], ['binary:2'])
    """
    bits = listed(bits)
    for name, given in (("weights", weights), ("activations", activations), ("bits", bits)):
        if given is not None and (not isinstance(given, list | tuple) or not given):
            raise CompareError(
                f"compare: {name} must be a list with one entry at least, such as "
                f"{'[2, 4]' if name == 'bits' else ['symmetric']}, got {given!r}"
            )
        kinds = (str, Quantizer, type, NoneType)
        if name != "bits" and not all(isinstance(one, kinds) for one in given or ()):
            raise CompareError(
                f"compare: {name} must be spec strings, quantizers or their classes, or None for "
                f"float, got {given!r}"
            )
    pairs = [(w, w if a is _SAME else a) for w in weights for a in activations or [_SAME]]
    configs: dict[str, Config] = {}
    left_out: dict[str, LeftOut] = {}
    for weight, input in pairs:
        widths: Sequence[Width | None] = bits or [None]
        made = [_config_of(weight, input, width) for width in widths]
        found = [one for one in made if isinstance(one, Config)]
        refused = [one for one in made if isinstance(one, LeftOut)]
        refused += [out for config in found if (out := _refused(config)) is not None]
        quantized = [config for config in found if not config.is_float]
        if refused and len(refused) >= len(quantized) and not any(out.broken for out in refused):
            for spec in (weight, input):
                _check_some_width(spec, refused[0])
        left_out |= {out.config: out for out in refused}
        configs |= {config.name: config for config in found}
    kept = [config for name, config in configs.items() if name not in left_out]
    if left_out and not any(not config.is_float for config in kept):
        told = "; ".join(f"{out.config}: {out.reason}" for out in left_out.values())
        raise CompareError(f"compare: nothing can be compared: {told}")
    # Stable: the order of the grid, but for float, which all are measured against.
    return sorted(kept, key=lambda config: not config.is_float), list(left_out.values())


# Stands for "the same as the weight", where None stands for float.
_SAME = "<the weight's>"


def _config_of(
    weight: GivenQuantizer, input: GivenQuantizer, width: Width | None
) -> Config | LeftOut:
    if width is None:
        return Config(weight=weight, input=input)
    pair = width if isinstance(width, tuple | list) else (width, width)
    if len(pair) != 2:
        raise CompareError(
            "compare: an entry of bits is a width, or a pair of one for the weights and one for "
            f"the inputs, got {short(width)}"
        )
    for_weight, for_input = pair
    sides = (weight, for_weight), (input, for_input)
    for bits in (for_weight, for_input):
        with_bits(None, bits)
    own = [side for side in sides if not isinstance(side[0], str | None)]
    try:
        weight, input = (sized_quantizer(*side) for side in sides)
    except SpecError as error:
        if not own:
            raise
        # An object is checked when it is made, a spec when it is used.
        names = dict.fromkeys(f"{_name(given)}:{bits}" for given, bits in own)
        return LeftOut(" x ".join(names), one_line(error))
    return Config(weight=weight, input=input)


def _name(given: Any) -> str:
    return str(getattr(given, "__name__", type(given).__name__))


def _check_some_width(spec: GivenQuantizer, refused: LeftOut) -> None:
    """Raise a SpecError if no width can give a spec a meaning: not the width is at fault."""
    if not isinstance(spec, str) or spec == FLOAT:
        return
    configs = [Config(weight=with_bits(without_bits(spec), bits)) for bits in range(1, 9)]
    if all(_refused(config) is not None for config in configs):
        raise SpecError(f"compare: {refused.config}: {refused.reason}")


def _refused(config: Config) -> LeftOut | None:
    """Return why the config cannot be, if it cannot.

    Raises:
        SpecError: if no bits could help: an unknown scheme or option.
    """
    try:
        config.quantizers()
    except PluginError as error:
        return LeftOut(config.name, one_line(error), broken=True)
    except SpecError as error:
        # get_quantizer adds the spec to what the scheme itself says.
        if error.__cause__ is None:
            raise
        return LeftOut(config.name, one_line(error.__cause__))
    return None
