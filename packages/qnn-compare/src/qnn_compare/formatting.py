"""How tables and sentences say numbers: in points, bytes and seconds."""

import re
from collections.abc import Iterable, Mapping, Sequence

NONE = "-"  # where there is no number
BREAK = re.compile(r"(?<=,)|(?<= x )")
NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)")  # 1,900 is one


def percent(share: float | None, digits: int = 2) -> str:
    """Return a share in per cent, without the sign.

    Example:
        >>> percent(0.98314), percent(None)
        ('98.31', '-')
    """
    return NONE if share is None else f"{100 * share:.{digits}f}"


WIDEST = 50.0  # points to either side that are still worth a number


def within(share: float | None, low: float | None, high: float | None, sign: str = "") -> str:
    """Return a share in per cent and half the width of its interval.

    Args:
        share: mean or difference, in the middle of its interval; None without.
        low: lower end of the interval; None without.
        high: upper end, likewise.
        sign: ``"+"`` for the sign of what is above zero too.

    Example:
        >>> within(0.983, 0.981, 0.985), within(0.004, None, None, "+"), within(-1e-9, None, None)
        ('98.30 ± 0.20', '+0.40', '0.00')
    """
    if share is None:
        return NONE
    middle = f"{round(100 * share, 2) + 0.0:{sign}.2f}"  # + 0.0: no minus before a zero
    if low is None or high is None:
        return middle
    # Of two seeds an interval may be wider than all that a share can be.
    half = 50 * (high - low)
    return f"{middle} ± {half:.2f}" if half < WIDEST else f"{middle} ± > {WIDEST:.0f}"


def p_value(p: float | None) -> str:
    """Return a p value; what is below 0.0001 only as that.

    Example:
        >>> p_value(0.0312), p_value(1e-9), p_value(None)
        ('0.031', '< 0.0001', '-')
    """
    if p is None:
        return NONE
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def whole(number: int | None) -> str:
    """Return a whole number with its thousands apart.

    Example:
        >>> whole(51234)
        '51,234'
    """
    return NONE if number is None else f"{number:,}"


def seconds(time: float | None) -> str:
    """Return a time with three digits in the unit that suits it.

    Example:
        >>> seconds(1.234e-5), seconds(0.5), seconds(83.2), seconds(4000), seconds(3e-7)
        ('12.3 µs', '500 ms', '83.2 s', '66.7 min', '0.3 µs')
    """
    if time is None:
        return NONE
    if time >= 600:
        return f"{time / 60:.1f} min"
    unit, factor = ("s", 1) if time >= 0.9995 else ("ms", 1e3) if time >= 9.995e-4 else ("µs", 1e6)
    value = time * factor
    return f"{value:.{0 if value >= 99.95 else 1}f} {unit}"


def compact(number: float) -> str:
    """Return a count in thousands or millions, with three digits.

    Example:
        >>> compact(784), compact(203_264), compact(1_500_000)
        ('784', '203k', '1.5M')
    """
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g}{unit}" if number < 999.5 * factor else f"{number:.3g}"
    return f"{number:.0f}"


def macs(counts: Mapping[str, int]) -> str:
    """Return multiply-accumulates by width, most first.

    Example:
        >>> macs({"32x32": 2560, "2x2": 203_264}), macs({})
        ('203k 2x2 + 2.56k 32x32', '-')
    """
    most = sorted(counts.items(), key=lambda entry: -entry[1])
    return " + ".join(f"{compact(n)} {width}" for width, n in most if n) or NONE


def width(bits: tuple[int, int]) -> str:
    """Return the bits of weights and inputs, once if they are the same.

    Example:
        >>> width((2, 2)), width((1, 8))
        ('2', '1x8')
    """
    weight, input = bits
    return str(weight) if weight == input else f"{weight}x{input}"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Return names as a list in a sentence; of many only the first and how many there are.

    Example:
        >>> listed("ab"), listed("abc"), listed("abcdef", most=3)
        ('a and b', 'a, b and c', 'a, b, c and 3 more')
    """
    given = [*names]
    if len(given) > most:
        return f"{', '.join(given[:most])} and {len(given) - most} more"
    return " and ".join([", ".join(given[:-1]), given[-1]] if len(given) > 1 else given)


def counted(number: int, noun: str) -> str:
    """Return a number and a noun, in the plural unless it is one.

    Example:
        >>> counted(1, "seed"), counted(2000, "test sample")
        ('1 seed', '2,000 test samples')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def merged(texts: Sequence[str]) -> str:
    """Return one text for texts that differ in numbers only.

    Example:
        >>> merged(["bits=2 is not 1", "bits=4 is not 1"])
        'bits=2, 4 is not 1'
        >>> merged(["about 1,900 samples", "about 6,000 samples"])
        'about 1,900, 6,000 samples'
    """
    columns = zip(*(NUMBER.split(text) for text in texts), strict=True)
    return "".join(", ".join(dict.fromkeys(column)) for column in columns)


def without_numbers(text: str) -> str:
    """Return what texts that `merged` can merge have in common.

    Example:
        >>> without_numbers("loss 0.25 in epoch 3")
        'loss # in epoch #'
    """
    return NUMBER.sub("#", text)


def broken(name: str, room: int) -> str:
    """Return a name in lines of so many characters, if it can be broken behind commas and spaces.

    Example:
        >>> print(broken("symmetric:grid=even,fit=mse x uniform", 24))
        symmetric:grid=even,
          fit=mse x uniform
    """
    lines = [""]
    for part in BREAK.split(name):
        if lines[-1].strip() and len(lines[-1] + part.rstrip()) > room:
            lines.append("  ")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)
