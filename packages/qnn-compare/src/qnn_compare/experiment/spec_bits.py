"""Bits in spec strings: taken out, put in, and in one form."""

from qnn_core.errors import SpecError
from qnn_core.registry import get_quantizer, parse

from .arguments import short, whole

FLOAT_BITS = 32
FLOAT = "float"


def canonical(spec: str | None) -> str | None:
    """Return a spec with its bits in the short form, the scheme's own if it says none.

    Example:
        >>> canonical("symmetric:grid=even,bits=2"), canonical("float")
        ('symmetric:2,grid=even', None)
    """
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
