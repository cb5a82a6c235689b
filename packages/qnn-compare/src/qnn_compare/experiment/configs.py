"""The configs of a comparison: which quantizers a net has in each, and what has no meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qnn_core.errors import CompareError, PluginError, SpecError
from qnn_core.quantizer import Quantizer
from qnn_core.registry import get_quantizer, parse

from .arguments import listed, short, whole

FLOAT_BITS = 32
FLOAT = "float"

# A width for weights and inputs, or one for each.
Width = int | tuple[int, int]


@dataclass(frozen=True)
class Config:
    """One of the nets that are compared, by its quantizers.

    Attributes:
        weight, input: spec strings with their bits; None for float.

    Example:
        >>> Config("symmetric:2", "symmetric:2").name, Config("binary:1", "uniform:4").name
        ('symmetric:2', 'binary:1 x uniform:4')
        >>> Config(None, None).name, Config("symmetric:2", None).name
        ('float', 'symmetric:2 x float')
    """

    weight: str | None
    input: str | None

    @property
    def name(self) -> str:
        """What tables call it: one spec if both are the same, else weight x input."""
        weight, input = self.weight or FLOAT, self.input or FLOAT
        return weight if weight == input else f"{weight} x {input}"

    @property
    def is_float(self) -> bool:
        """Whether nothing is quantized."""
        return self.weight is None and self.input is None

    @property
    def series(self) -> str:
        """Its name without bits: configs of one series differ only in these."""
        weight, input = (FLOAT if s is None else without_bits(s) for s in (self.weight, self.input))
        return weight if weight == input else f"{weight} x {input}"

    @property
    def bits(self) -> tuple[int, int]:
        """Bits of weights and of inputs; 32 for float."""
        weight, input = (
            FLOAT_BITS if s is None else int(parse(s)[1]["bits"]) for s in (self.weight, self.input)
        )
        return weight, input

    def quantizers(self) -> tuple[Quantizer | None, Quantizer | None]:
        """Return the quantizers of weight and input.

        Raises:
            SpecError: if one has no meaning.
            PluginError: if its distribution is at fault.
        """
        weight, input = (None if s is None else get_quantizer(s) for s in (self.weight, self.input))
        return weight, input


@dataclass(frozen=True)
class LeftOut:
    """A combination that is not compared.

    Attributes:
        config: its name.
        reason: in the scheme's own words.
        broken: whether its plugin is at fault; else these bits have no meaning.
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
    weights: Sequence[str | None],
    activations: Sequence[str | None] | None,
    bits: Sequence[Width] | None,
) -> tuple[list[Config], list[LeftOut]]:
    """Return the configs of a grid of schemes and widths, float first, and what has no meaning.

    Args:
        weights: specs without bits, or with them if `bits` is None; None or "float" for float.
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
        if name != "bits" and not all(isinstance(s, str | None) for s in given or ()):
            raise CompareError(
                f"compare: {name} must be spec strings, or None for float, got {given!r}; a scheme "
                "of your own gets its name from an entry point: qnn new-quantizer writes a package"
            )
    pairs = [(w, w if a is _SAME else a) for w in weights for a in activations or [_SAME]]
    configs: dict[str, Config] = {}
    left_out: dict[str, LeftOut] = {}
    for weight, input in pairs:
        widths: Sequence[Width | None] = bits or [None]
        found = [_config_of(weight, input, width) for width in widths]
        refused = [out for config in found if (out := _refused(config)) is not None]
        quantized = [config for config in found if not config.is_float]
        if refused and len(refused) == len(quantized) and not any(out.broken for out in refused):
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


def _config_of(weight: str | None, input: str | None, width: Width | None) -> Config:
    if width is None:
        return Config(_canonical(weight), _canonical(input))
    pair = width if isinstance(width, tuple | list) else (width, width)
    if len(pair) != 2:
        raise CompareError(
            "compare: an entry of bits is a width, or a pair of one for the weights and one for "
            f"the inputs, got {short(width)}"
        )
    for_weight, for_input = pair
    return Config(with_bits(weight, for_weight), with_bits(input, for_input))


def _canonical(spec: str | None) -> str | None:
    if spec is None or spec == FLOAT:
        return None
    if "bits" not in parse(spec)[1]:
        # The scheme's own default.
        return with_bits(spec, get_quantizer(spec).bits)
    return with_bits(without_bits(spec), parse(spec)[1]["bits"])


def with_bits(spec: str | None, bits: int) -> str | None:
    """Return a spec with its bits, in the short form; None, which is float, for 32.

    Raises:
        SpecError: if the spec has bits already, or they are no width.

    Example:
        >>> with_bits("symmetric:grid=even", 2)
        'symmetric:2,grid=even'
    """
    given, bits = bits, whole(bits) or 0
    if bits not in (*range(1, 9), FLOAT_BITS):
        raise SpecError(f"compare: bits are 1 to 8, or 32 for float, got {short(given)}")
    if spec is None or spec == FLOAT or bits == FLOAT_BITS:
        return None
    name, options = parse(spec)
    if "bits" in options:
        raise SpecError(f"compare: {spec!r} sets the bits, and so do bits=[...]: leave one out")
    return _spec(name, {"bits": bits} | options)


def without_bits(spec: str) -> str:
    """Return a spec without its bits.

    Example:
        >>> without_bits("symmetric:2,grid=even")
        'symmetric:grid=even'
    """
    name, options = parse(spec)
    return _spec(name, {key: value for key, value in options.items() if key != "bits"})


def _spec(name: str, options: dict[str, object]) -> str:
    parts = [f"{value}" if key == "bits" else f"{key}={value}" for key, value in options.items()]
    return f"{name}:{','.join(parts)}" if parts else name


def _check_some_width(spec: str | None, refused: LeftOut) -> None:
    """Raise a SpecError if no width can give a spec a meaning: not the width is at fault."""
    if spec is None or spec == FLOAT:
        return
    configs = [Config(with_bits(without_bits(spec), bits), None) for bits in range(1, 9)]
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


def one_line(text: object) -> str:
    r"""Return a text with runs of spaces and line breaks as one space, and all else printable.

    Example:
        >>> one_line("a\n  b \x1b[1m")
        'a b \\x1b[1m'
    """
    line = " ".join(str(text).split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
