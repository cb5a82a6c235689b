"""The laws of quantizers, over everything registered."""

from dataclasses import replace

import numpy as np
import pytest
from every_scheme import QUANTIZERS, SPECS
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from qnn_core import Tensor, encode, ops
from qnn_core.errors import NonFiniteError, ShapeError
from qnn_core.quantizer import CALIBRATIONS, SURROGATES, codebook
from qnn_core.quantizer.base import SCALES, TRANSFORMS
from qnn_core.testing import check_quantizer

SCHEMES = st.sampled_from(SPECS)
AXES = st.sampled_from([None, 0, 1, -1])
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
MODERATE = st.floats(-(2**40), 2**40, width=32, allow_subnormal=False)


# Each law tries all that it is about besides what is drawn here: that of fitting every calibration,
# those of values and gradients the axes None, 0 and 1.
OF_SURROGATES = [
    "surrogate is sound",
    "gradient_factor is sound",
    "surrogate has the size of the steps",
    "scale_gradient is sound",
    "gradient is as stated",
    "value is exact",
]
OF_CALIBRATIONS = ["value is exact", "evaluation is frozen"]


def test_every_law(scheme: str) -> None:
    check_quantizer(scheme)


def test_every_surrogate(scheme: str, ste: str) -> None:
    quantizer = replace(QUANTIZERS[scheme], axis=-1, ste=ste, calibration="absmax")
    check_quantizer(quantizer, laws=OF_SURROGATES)


@given(data=st.data())
def test_any_combination(data: st.DataObject) -> None:
    options = {
        "axis": [None, 0, 1, -1],
        "ste": sorted(SURROGATES),
        "calibration": sorted(CALIBRATIONS),
        "scale": [*SCALES, 0.5],
        "transform": TRANSFORMS,
    }
    drawn = {name: data.draw(st.sampled_from(values)) for name, values in options.items()}
    quantizer = replace(QUANTIZERS[data.draw(SCHEMES)], **drawn)
    laws = {*OF_SURROGATES, *OF_CALIBRATIONS, "fit is sound", "engine is evaluation"}
    check_quantizer(quantizer, laws=laws)


def test_every_calibration(scheme: str, calibration: str) -> None:
    check_quantizer(replace(QUANTIZERS[scheme], calibration=calibration), laws=OF_CALIBRATIONS)


def test_levels_code_to_themselves(scheme: str) -> None:
    quantizer = QUANTIZERS[scheme]
    levels = np.asarray(quantizer.levels, np.float32)
    assert 2 <= levels.size <= 2**quantizer.bits
    np.testing.assert_array_equal(quantizer.encode(levels), np.arange(levels.size))


@settings(max_examples=400)
@given(scheme=SCHEMES, u=arrays(np.float32, st.integers(0, 40), elements=FLOATS))
def test_encode_is_total_and_monotone(scheme: str, u: np.ndarray) -> None:
    quantizer = QUANTIZERS[scheme]
    codes = quantizer.encode(np.sort(u))
    assert codes.dtype == np.uint8
    assert codes.shape == u.shape
    assert np.all(codes < np.asarray(quantizer.levels).size)
    assert np.all(np.diff(codes.astype(int)) >= 0)


@settings(max_examples=400)
@given(scheme=SCHEMES, u=arrays(np.float32, st.integers(1, 40), elements=FLOATS))
def test_the_kernel_codes_as_encode_does(scheme: str, u: np.ndarray) -> None:
    quantizer = QUANTIZERS[scheme]
    value = ops.fake_quantize(u, 1.0, quantizer=quantizer).data
    np.testing.assert_array_equal(value, codebook(quantizer).levels[quantizer.encode(u)])


@settings(max_examples=400)
@given(
    scheme=SCHEMES,
    axis=AXES,
    x=arrays(np.float32, st.tuples(st.just(3), st.integers(1, 8)), elements=MODERATE),
)
def test_value_is_level_times_scale_plus_shift(
    scheme: str, axis: int | None, x: np.ndarray
) -> None:
    quantizer = replace(QUANTIZERS[scheme], axis=axis)
    coded = encode(x, quantizer)
    lead = (-1, 1) if axis == 0 else (-1,)
    scale, shift = (f.reshape(lead) if f.ndim else f for f in (coded.scale, coded.shift))
    expected = scale * coded.levels[coded.codes] + shift
    np.testing.assert_array_equal(coded.decode(), expected)
    value = ops.fake_quantize(Tensor(x), coded.scale, coded.shift, quantizer=quantizer)
    np.testing.assert_array_equal(value.data, expected)


@settings(max_examples=400)
@given(scheme=SCHEMES, x=arrays(np.float32, st.integers(1, 30), elements=MODERATE))
def test_quantizing_twice_changes_nothing_more(scheme: str, x: np.ndarray) -> None:
    quantizer = QUANTIZERS[scheme]
    coded = encode(x, quantizer)
    qparams = quantizer.fit(x)
    np.testing.assert_array_equal(encode(coded.decode(), quantizer, qparams).codes, coded.codes)


@settings(max_examples=400)
@given(
    scheme=SCHEMES,
    calibration=st.sampled_from(sorted(CALIBRATIONS)),
    x=arrays(np.float32, st.integers(1, 30), elements=FLOATS),
)
def test_any_finite_data_have_a_qparams(scheme: str, calibration: str, x: np.ndarray) -> None:
    qparams = replace(QUANTIZERS[scheme], calibration=calibration).fit(x)
    assert np.isfinite(qparams.scale)
    assert qparams.scale > 0
    assert np.isfinite(qparams.shift)


@settings(max_examples=400)
@given(scheme=SCHEMES, factor=st.integers(-20, 20))
def test_codes_do_not_depend_on_the_unit_of_the_data(scheme: str, factor: int) -> None:
    x = np.random.default_rng(0).normal(size=50).astype(np.float32)
    quantizer = QUANTIZERS[scheme]
    scaled = encode(np.ldexp(x, factor), quantizer)
    np.testing.assert_array_equal(scaled.codes, encode(x, quantizer).codes)


@pytest.mark.parametrize("x", [[], [[]], np.zeros((0, 3))])
def test_empty_data_have_no_qparams(scheme: str, x: object) -> None:
    with pytest.raises(ShapeError, match="empty"):
        QUANTIZERS[scheme].fit(np.asarray(x, np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_data_are_refused_with_their_place(scheme: str, bad: float) -> None:
    x = np.array([[0.5, 1.0], [bad, 0.0]], np.float32)
    with pytest.raises(NonFiniteError, match=rf"{bad} at index \(1, 0\)"):
        encode(x, QUANTIZERS[scheme])


def test_zero_stays_exactly_zero_wherever_there_is_a_zero_level(scheme: str) -> None:
    quantizer = QUANTIZERS[scheme]
    if 0 not in quantizer.levels:
        return
    rng = np.random.default_rng(1)
    for low, high in ((-3, 1), (0, 5), (-2, 0), (0.5, 4), (-1e-6, 1e6)):
        x = rng.uniform(low, high, 40).astype(np.float32)
        x[0] = 0
        assert encode(x, quantizer).decode()[0] == 0


def test_qparams_of_channels_are_those_of_each_channel_alone(scheme: str, calibration: str) -> None:
    quantizer = replace(QUANTIZERS[scheme], calibration=calibration)
    x = np.random.default_rng(2).normal(size=(3, 4, 5)).astype(np.float32)
    qparams = quantizer.fit(x, 1)
    for channel in range(4):
        alone = quantizer.fit(x[:, channel])
        assert qparams.scale[channel] == alone.scale
        assert qparams.zero_point[channel] == alone.zero_point
