"""The schemes, by hand."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from qnn_core import QParams, encode, get_quantizer, ops
from qnn_core.errors import FileError, NonFiniteError, SpecError
from qnn_core.quantizer import Quantizer


def levels(spec: str) -> list[float]:
    return np.asarray(get_quantizer(spec).levels).tolist()


def codes(spec: str, u: Any) -> list[int]:
    return get_quantizer(spec).encode(np.float32(u)).tolist()


def qparams(spec: str, x: Any) -> tuple[float, float]:
    fitted = get_quantizer(spec).fit(np.float32(x))
    return float(fitted.scale), float(fitted.zero_point)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("uniform:1", [0, 1]),
        ("uniform:2", [0, 1, 2, 3]),
        ("uniform:8", list(range(256))),
        ("symmetric:2", [-1, 0, 1]),
        ("symmetric:3", [-3, -2, -1, 0, 1, 2, 3]),
        ("symmetric:8", list(range(-127, 128))),
        ("symmetric:1,grid=even", [-1, 1]),
        ("symmetric:2,grid=even", [-3, -1, 1, 3]),
        ("symmetric:2,grid=twos-complement", [-2, -1, 0, 1]),
        ("symmetric:8,grid=twos-complement", list(range(-128, 128))),
        ("binary", [-1, 1]),
        ("logarithmic:2", [-1, 0, 1]),
        ("logarithmic:3", [-1, -0.5, -0.25, 0, 0.25, 0.5, 1]),
        ("logarithmic:1,signed=False", [0, 1]),
        ("logarithmic:2,signed=False", [0, 0.25, 0.5, 1]),
        # Sums of one of 0, 1/2, 1/4, 1/8, times 8; without a sign, of two bits.
        ("apot:2", [-1, 0, 1]),
        ("apot:3", [-4, -2, -1, 0, 1, 2, 4]),
        ("apot:1,signed=False", [0, 1]),
        ("apot:2,signed=False", [0, 1, 2, 4]),
        # Of 0, 8, 4, 1 and 0, 2; of 0, 32, 8, 2 and 0, 16, 4, 1.
        ("apot:4", [-10, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 10]),
        (
            "apot:4,signed=False",
            [0, 1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24, 32, 33, 36, 48],
        ),
    ],
)
def test_levels(spec: str, expected: list[float]) -> None:
    assert levels(spec) == expected


@pytest.mark.parametrize(
    ("spec", "u", "expected"),
    [
        # Ties go to the even code.
        ("uniform:2", [-9, 0.5, 0.51, 1.5, 2.5, 9], [0, 0, 1, 2, 2, 3]),
        ("symmetric:2", [-9, -0.5, -0.49, 0, 0.5, 9], [0, 0, 1, 1, 2, 2]),
        ("symmetric:2,grid=even", [-2, -1.9, 0, 1e-30, 2], [0, 1, 2, 2, 2]),
        ("symmetric:2,grid=twos-complement", [-9, -1.5, -0.5, 0.5, 9], [0, 0, 2, 2, 3]),
        # Zero counts as positive, negative zero too; the smallest negative number does not.
        ("binary", [-1e-45, -0.0, 0.0, 1e-45, -3, 3], [0, 1, 1, 1, 0, 1]),
        # The boundary between 1/2 and 1 is sqrt(1/2) = 0.70710678..., not 0.75.
        ("logarithmic:3", [0.70710670, 0.7071068, 0.75, 100], [5, 6, 6, 6]),
        ("logarithmic:3", [-0.70710670, -0.7071068, -0.75, -100], [1, 0, 0, 0]),
        # Half an octave below the least power, 1/4, begins zero.
        ("logarithmic:3", [0.17677, 0.17678, -0.17677, -0.17678, 0], [3, 4, 3, 2, 3]),
        (
            "logarithmic:2,signed=False",
            [-5, -1e-9, 0, 0.17677, 0.17678, 0.36, 9],
            [0, 0, 0, 0, 1, 2, 3],
        ),
        # Boundaries are at odd fourths of the exponent: 2**-0.25 is 0.8409, 2**-1.25 is 0.4204.
        (
            "logarithmic:3,base=sqrt2",
            [0.8408, 0.8410, 9, -0.8410, 0.4204, 0.4205],
            [5, 6, 6, 0, 3, 4],
        ),
        ("apot:3", [-9, -3, -2.9, 0.5, 0.51, 1.5, 3, 3.1], [0, 0, 1, 4, 4, 4, 6, 6]),
        ("nf4", [-2, -0.04, 0.0, 0.0397, 0.0399, 0.86, 0.862], [0, 7, 7, 7, 8, 14, 15]),
    ],
)
def test_codes(spec: str, u: list[float], expected: list[int]) -> None:
    assert codes(spec, u) == expected


def test_levels_of_base_sqrt2() -> None:
    expected = [0, 0.125, 0.125 * 2**0.5, 0.25, 0.25 * 2**0.5, 0.5, 0.5 * 2**0.5, 1]
    found = levels("logarithmic:3,signed=False,base=sqrt2")
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    np.testing.assert_allclose(
        levels("logarithmic:3,base=sqrt2"), [-1, -(0.5**0.5), -0.5, 0, 0.5, 0.5**0.5, 1], rtol=1e-7
    )


# Dettmers et al. 2023, appendix E.
PUBLISHED_NF4 = [
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
]


def test_the_levels_of_nf4_are_those_published() -> None:
    np.testing.assert_allclose(levels("nf4"), PUBLISHED_NF4, atol=5e-7)


@pytest.mark.parametrize(
    ("spec", "x", "expected"),
    [
        # (high - low) / 3 with 0 in the range; the zero point is whole.
        ("uniform:2,calibration=absmax", [-1, 0, 2], (1, 1)),
        ("uniform:2,calibration=absmax", [0.5, 3], (1, 0)),
        ("uniform:2,calibration=absmax", [-3, -0.5], (1, 3)),
        ("uniform:1,calibration=absmax", [-1, 1], (2, 0)),
        ("symmetric:3,calibration=absmax", [-6, 3], (2, 0)),
        ("symmetric:2,grid=even,calibration=absmax", [-6, 3], (2, 0)),
        ("symmetric:2,grid=twos-complement,calibration=absmax", [-6, 3], (3, 0)),
        ("binary", [-1, 0, 0.5], (0.5, 0)),
        ("binary:calibration=absmax", [-1, 0, 0.5], (1, 0)),
        ("logarithmic:3", [-4, 1], (4, 0)),
        ("logarithmic:3,signed=False", [1, 4], (4, 0)),
        ("apot:4,calibration=absmax", [-5, 1], (0.5, 0)),
        ("nf4", [-4, 1], (4, 0)),
    ],
)
def test_fitted_all_qparams(spec: str, x: list[float], expected: tuple[float, float]) -> None:
    assert qparams(spec, x) == expected


def test_uniform_values_by_hand() -> None:
    coded = encode([-1.0, -0.4, 0.0, 0.5, 1.2, 2.0], get_quantizer("uniform:2,calibration=absmax"))
    assert coded.codes.tolist() == [0, 1, 1, 2, 2, 3]
    assert coded.decode().tolist() == [-1, 0, 0, 1, 1, 2]


def test_logarithmic_values_are_powers_of_two_times_the_scale() -> None:
    coded = encode(
        [-0.6, 0.01, 0.5, 3.0],
        get_quantizer("logarithmic:3"),
        QParams(np.float32(2), np.float32(0)),
    )
    assert coded.decode().tolist() == [-0.5, 0, 0.5, 2]


def test_binary_scale_minimizes_the_squared_error() -> None:
    x = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    coded = encode(x, get_quantizer("binary"))
    np.testing.assert_allclose(coded.scale, np.abs(x).mean(), rtol=1e-6)
    error = [np.mean((s * np.sign(x) - x) ** 2) for s in coded.scale * np.array([0.9, 1, 1.1])]
    assert np.argmin(error) == 1


def test_binary_with_a_scale_of_one() -> None:
    quantizer = get_quantizer("binary:scale=1")
    value = ops.fake_quantize([-0.3, 0.0, 5.0], quantizer.scale, quantizer=quantizer)
    assert value.data.tolist() == [-1, 1, 1]


def test_mse_clips_what_absmax_does_not() -> None:
    x = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    for spec in ("symmetric:2", "symmetric:3", "uniform:2"):
        errors = {
            calibration: np.mean(
                (encode(x, get_quantizer(f"{spec},calibration={calibration}")).decode() - x) ** 2
            )
            for calibration in ("mse", "absmax")
        }
        assert errors["mse"] < 0.8 * errors["absmax"]


def test_absmean_agrees_in_mean_magnitude() -> None:
    x = np.float32([-2, 1, 3])
    fitted = get_quantizer("symmetric:2,grid=even,calibration=absmean").fit(x)
    assert float(fitted.scale) == 1.0  # mean|x| = 2 = mean|-3, -1, 1, 3|


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("binary:2", "one bit"),
        ("binary:0", "one bit"),
        ("symmetric:1", "use 'binary'"),
        ("symmetric:1,grid=twos-complement", "use 'binary'"),
        ("logarithmic:1", "use 'binary'"),
        ("logarithmic:4,base=3", "base must be 2 or sqrt2, got 3"),
        ("logarithmic:8,signed=False,base=sqrt2", "255 powers"),
        ("apot:1", "use 'binary'"),
        ("apot:4,signed=1", "True or False"),
        ("nf4:3", "four bits, got bits=3"),
        *(
            (f"{n}:{b}", "whole number from 1 to 8")
            for n in ("uniform", "symmetric", "logarithmic", "apot")
            for b in (0, 9, -1, 2.5, "x")
        ),
        ("uniform:True", "whole number from 1 to 8"),
        ("symmetric:4,grid=odds", "odd, even, twos-complement"),
        ("logarithmic:4,signed=2", "True or False"),
    ],
)
def test_what_has_no_meaning_is_refused(spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        get_quantizer(spec)


def test_widths_without_a_meaning_say_so_in_words() -> None:
    # 255 powers of two are more than float32 has: not a matter of ascending levels to the user.
    with pytest.raises(SpecError, match=r"bits") as caught:
        get_quantizer("logarithmic:8,signed=False")
    assert "ascend" not in str(caught.value)


@pytest.mark.parametrize(
    "x",
    [np.zeros(4), np.full(4, 3.0), np.full(4, -3.0), [1e-44, 0], [3e38, -3e38], [1e-38] * 3],
    ids=str,
)
def test_awkward_data_have_finite_values_or_are_refused(scheme: str, x: Any) -> None:
    try:
        coded = encode(np.float32(x), get_quantizer(scheme))
    except NonFiniteError:
        return  # too far apart for float32, and said so
    assert np.all(np.isfinite(coded.decode()))
    assert np.all(coded.codes < coded.levels.size)


def test_schemes_are_values() -> None:
    a, b = get_quantizer("symmetric:4"), get_quantizer("symmetric:bits=4")
    assert a == b
    assert hash(a) == hash(b)
    assert a != get_quantizer("symmetric:3")
    assert isinstance(a, Quantizer)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("symmetric:4", "Symmetric(bits=4)"),
        ("symmetric:4,axis=0,grid=even", "Symmetric(bits=4, axis=0, grid=even)"),
        ("binary", "Binary(bits=1)"),
    ],
)
def test_text(spec: str, text: str) -> None:
    assert str(get_quantizer(spec)) == text


def test_a_code_without_a_level_is_refused() -> None:
    coded = encode(np.float32([-1, 0, 1]), "symmetric:2")
    broken = dataclasses.replace(coded, packed=np.uint8([0x3F]))
    with pytest.raises(FileError, match="code 3 has no level"):
        broken.decode()


def test_squared_error_does_not_depend_on_the_order_of_columns() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1024, 1024)).astype(np.float32)
    x[:, ::256] = 0
    quantizer = get_quantizer("symmetric:2")
    shuffled = x[:, rng.permutation(1024)]
    np.testing.assert_allclose(quantizer.fit(x).scale, quantizer.fit(shuffled).scale, rtol=0.15)
    assert quantizer.fit(x).scale < 2


def test_absmax_clips_nothing_on_an_uneven_grid() -> None:
    quantizer = get_quantizer("symmetric:2,grid=twos-complement,calibration=absmax")
    assert encode(np.float32([-0.2, 0.5, 1]), quantizer).decode()[-1] == 1
    assert encode(np.float32([-1, 0.1, 0.2]), quantizer).decode()[0] == -1


@pytest.mark.parametrize(
    ("spec", "u", "levels"),
    [
        # The lowest level of the odd grid is odd, and so is every level of an even code.
        ("symmetric:4", [0.5, -0.5, 1.5, -1.5, 2.5], [1, -1, 1, -1, 3]),
        ("symmetric:2", [0.5, -0.5], [1, -1]),
        ("symmetric:4,grid=twos-complement", [0.5, -0.5, 1.5, -1.5, 2.5], [0, 0, 2, -2, 2]),
    ],
)
def test_ties_go_to_the_even_code(spec: str, u: list[float], levels: list[float]) -> None:
    quantizer = get_quantizer(spec)
    codes = quantizer.encode(np.float32(u))
    assert np.asarray(quantizer.levels)[codes].tolist() == levels


@pytest.mark.parametrize("zero_point", [0, 1, 2, 5])
def test_uniform_rounds_after_it_has_added_the_zero_point(zero_point: int) -> None:
    x = np.arange(-40, 41, dtype=np.float32) / 8  # with ties
    qparams = QParams(np.float32(0.5), np.float32(zero_point))
    codes = encode(x, "uniform:3", qparams).codes
    assert codes.tolist() == np.clip(np.rint(x / 0.5 + zero_point), 0, 7).tolist()
    others = np.clip(np.rint(x / 0.5) + zero_point, 0, 7)
    assert np.array_equal(codes, others) == (zero_point % 2 == 0)
