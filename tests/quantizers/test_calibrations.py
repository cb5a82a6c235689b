"""Calibrations: their formulas by hand, and their errors beside the best that a search finds."""

from typing import Any

import numpy as np
import pytest
from qnn_core import encode, get_num_threads, get_quantizer, set_num_threads
from qnn_core.machine import cpu
from qnn_core.quantizer import QParams, Quantizer
from qnn_core.quantizer.calibration.sawb import coefficients
from qnn_core.quantizer.calibration.sketch import POINTS, SAMPLE, sample

RNG = np.random.default_rng(0)
BELLS = {
    "normal": RNG.normal(size=6_000),
    "laplace": RNG.laplace(size=6_000),
    "uniform": RNG.uniform(-1, 1, size=6_000),
    "relu": np.maximum(RNG.normal(size=6_000), 0),
    "skewed": RNG.lognormal(size=6_000) - 0.3,
    "outliers": RNG.normal(size=6_000) * np.where(np.arange(6_000) % 600, 1, 20),
}


def fitted(spec: str, x: Any) -> tuple[float, float]:
    qparams = get_quantizer(spec).fit(np.float32(x))
    return float(qparams.scale), float(qparams.zero_point)


@pytest.mark.parametrize(
    ("spec", "x", "scale", "zero_point"),
    [
        # mean|x| is 1.5; that of the levels but 0 is 1 and 2.
        ("symmetric:2,calibration=absmean", [-1, 0.5, 3], 1.5, 0),
        ("symmetric:2,grid=even,calibration=absmean", [-1, 0.5, 3], 0.75, 0),
        # mean|x| / mean(1, 2, 3) = 2 / 2.
        ("uniform:2,calibration=absmean", [0, 2, 4], 1, 0),
        # 2 mean|x| / sqrt(Q) with mean|x| = 2.
        ("symmetric:3,calibration=lsq", [-1, 3], 4 / 3**0.5, 0),
        ("symmetric:2,grid=twos-complement,calibration=lsq", [-1, 3], 4, 0),
        ("binary:calibration=lsq", [-1, 3], 4, 0),
        ("uniform:4,calibration=lsq", [1, 3], 4 / 15**0.5, 0),
        # 7.5 steps on either side; the zero point is rounded to an even 8.
        ("uniform:4,calibration=lsq", [-1, 3], 4 / 7.5**0.5, 8),
        # Mean 0, deviation 1: 3 standard deviations are max|level| steps.
        ("symmetric:2,grid=twos-complement,calibration=three-sigma", [-1, 1], 1.5, 0),
        ("symmetric:3,calibration=three-sigma", [-1, 1], 1, 0),
        # Mean 1, deviation 1: |1 + 3| is the greater.
        ("uniform:2,calibration=three-sigma", [0, 2], 4 / 3, 0),
        ("symmetric:3,calibration=three-sigma", [0, -2], 4 / 3, 0),
        # Of 0, 1, ..., 100, nine tenths of the magnitudes are up to 90.
        ("symmetric:2,calibration=percentile,percentile=90", np.arange(101), 90, 0),
        ("symmetric:2,calibration=percentile,percentile=90", -np.arange(101), 90, 0),
        ("uniform:1,calibration=percentile,percentile=100", np.arange(101), 100, 0),
        # Of -50, ..., 50 they are up to 45, on both sides.
        ("uniform:1,calibration=percentile,percentile=90", np.arange(-50, 51), 90, 0),
        # mean|x| is 0.65; above 0.455 are 1 and 2.
        ("symmetric:2,calibration=twn", [0.1, -0.1, 1, -2, 0.05], 1.5, 0),
        ("uniform:2,scale=fixed,calibration=unit", [-5, 70], 1 / 3, 0),
        ("symmetric:2,grid=even,calibration=unit", [-5, 70], 1 / 3, 0),
    ],
)
def test_by_hand(spec: str, x: Any, scale: float, zero_point: float) -> None:
    found = fitted(spec, x)
    np.testing.assert_allclose(found[0], scale, rtol=1e-6)
    if not spec.startswith("uniform:1,calibration=percentile,percentile=90"):
        assert found[1] == zero_point


def test_bitnet_rounds_and_clips_by_the_mean() -> None:
    x = np.float32([-2, -0.7, 0.3, 0.6, 1.4])  # mean|x| = 1
    coded = encode(x, "symmetric:2,calibration=absmean")
    assert coded.scale == 1
    assert coded.levels[coded.codes].tolist() == np.clip(np.rint(x), -1, 1).tolist()


def test_ternary_weights_are_those_of_twn_but_between_the_two_thresholds() -> None:
    x = RNG.normal(size=5000).astype(np.float32)
    threshold = 0.7 * np.abs(x).mean()
    scale = np.abs(x)[np.abs(x) > threshold].mean()
    coded = encode(x, "symmetric:2,calibration=twn")
    np.testing.assert_allclose(coded.scale, scale, rtol=1e-5)
    paper = np.sign(x) * (np.abs(x) > threshold)
    differ = coded.levels[coded.codes] != paper
    assert np.all((np.abs(x[differ]) >= threshold) & (np.abs(x[differ]) <= scale / 2))
    assert 0 < differ.mean() < 0.03


@pytest.mark.parametrize("spec", ["symmetric:4", "symmetric:8", "uniform:4", "uniform:8"])
@pytest.mark.parametrize("name", ["normal", "laplace", "relu"])
def test_octav_solves_its_equation(name: str, spec: str) -> None:
    x = BELLS[name][:400].astype(np.float32)
    # Both sides alike: else an affine range would end where the data do.
    x = np.concatenate([x, -x]) if x.min() < 0 else x
    quantizer = get_quantizer(f"{spec},calibration=octav")
    levels = np.asarray(quantizer.levels)
    steps = levels[-1] / (2 if levels[0] == 0 and x.min() < 0 else 1)
    scale, _ = fitted(f"{spec},calibration=octav", x)
    clip, magnitude = scale * steps, np.abs(x)
    above = magnitude > clip * (1 + 1e-6)
    inside = ((magnitude > 0) & ~above).mean()
    if above.any():
        expected = (magnitude * above).mean() / (inside / (12 * steps**2) + above.mean())
        np.testing.assert_allclose(clip, expected, rtol=2e-3)
    else:
        np.testing.assert_allclose(clip, magnitude.max(), rtol=1e-6)


# By the paper for 2 bits and three levels (arXiv:1807.06964), by its authors' code for more.
@pytest.mark.parametrize(
    ("spec", "c1", "c2", "rtol"),
    [
        ("symmetric:2", 2.587, 1.693, 0.05),
        ("symmetric:2,grid=even", 3.12, 2.064, 0.005),
        ("symmetric:3,grid=even", 7.509, 6.892, 0.03),
        ("symmetric:4,grid=even", 12.68, 12.80, 0.06),
        ("symmetric:5,grid=even", 17.74, 18.64, 0.05),
        ("symmetric:8,grid=even", 31.76, 35.04, 0.05),
        ("binary", 0, -1, 1e-3),
    ],
)
def test_sawbs_coefficients_are_those_of_its_authors(
    spec: str, c1: float, c2: float, rtol: float
) -> None:
    found = coefficients(get_quantizer(spec))
    np.testing.assert_allclose(found, (c1, c2), rtol=rtol, atol=1e-3)


def test_sawb_is_a_function_of_two_moments() -> None:
    x = BELLS["normal"].astype(np.float32)
    c1, c2 = coefficients(get_quantizer("symmetric:2,grid=even,calibration=sawb"))
    clip = c1 * np.sqrt(np.mean(x**2)) - c2 * np.mean(np.abs(x))
    scale, _ = fitted("symmetric:2,grid=even,calibration=sawb", x)
    np.testing.assert_allclose(scale, clip / 3, rtol=1e-4)


@pytest.mark.parametrize("spec", ["symmetric:4", "symmetric:8", "uniform:4", "logarithmic:4"])
def test_sawb_stays_within_the_data_where_its_line_leads_astray(spec: str) -> None:
    for x in (np.ones(50), np.tile([-1, 1], 50), np.eye(1, 5000)[0]):
        coded = encode(np.float32(x), f"{spec},calibration=sawb")
        assert 0 < coded.scale * np.abs(coded.levels).max() <= 2


def error(x: np.ndarray, quantizer: str | Quantizer, qparams: QParams | None = None) -> float:
    return float(np.mean((encode(x, quantizer, qparams).decode() - x) ** 2, dtype=np.float64))


def least_error(x: np.ndarray, spec: str) -> float:
    """The least of many shares of the full range."""
    quantizer = get_quantizer(spec)
    ends = x.min(keepdims=True), x.max(keepdims=True)
    shares = np.float32(np.exp2(-np.arange(150) / 25))
    all_qparams = (quantizer.qparams_from_range(*(end * share for end in ends)) for share in shares)
    return min(error(x, quantizer, QParams(f.scale[0], f.zero_point[0])) for f in all_qparams)


@pytest.mark.parametrize("name", BELLS)
@pytest.mark.parametrize(
    "spec",
    ["symmetric:2", "symmetric:2,grid=even", "symmetric:4", "uniform:2", "uniform:4", "apot:4"],
)
def test_mse_is_as_good_as_a_long_search(name: str, spec: str) -> None:
    x = BELLS[name].astype(np.float32)
    assert error(x, f"{spec},calibration=mse") < 1.02 * least_error(x, spec)


@pytest.mark.parametrize(
    ("quick", "spec", "worse"),
    [
        ("sawb", "symmetric:2", 1.02),
        ("sawb", "symmetric:2,grid=even", 1.02),
        ("sawb", "symmetric:2,grid=twos-complement", 1.02),
        ("sawb", "symmetric:4", 1.05),
        ("sawb", "uniform:2", 1.12),
        ("sawb", "apot:4", 1.05),
        ("octav", "symmetric:4", 1.03),
        ("octav", "uniform:4", 1.06),
        ("octav", "symmetric:8", 1.2),
    ],
)
@pytest.mark.parametrize("name", ["normal", "laplace"])
def test_the_errors_of_quicker_calibrations(name: str, quick: str, spec: str, worse: float) -> None:
    x = BELLS[name].astype(np.float32)
    assert error(x, f"{spec},calibration={quick}") < worse * least_error(x, spec)


def test_of_long_rows_a_sample_will_do(calibration: str) -> None:
    x = RNG.normal(size=2**19).astype(np.float32)
    few = x[: 2**16]
    scales = [fitted(f"symmetric:3,calibration={calibration}", part)[0] for part in (x, few)]
    np.testing.assert_allclose(*scales, rtol=0.2 if calibration == "absmax" else 0.03)


@pytest.mark.parametrize(("rows", "length"), [(1, 1), (3, 5), (1, 5000), (4, 700), (1, 2**18)])
def test_a_sketch_stands_for_its_rows(rows: int, length: int) -> None:
    x = RNG.normal(size=(rows, length)).astype(np.float32)
    unit = np.abs(x).max(axis=1)
    point_cm, weight_m = sample(x).sketch(unit)
    assert point_cm.shape == (rows, weight_m.size)
    assert weight_m.size <= max(POINTS.values())
    np.testing.assert_allclose(weight_m.sum(), length, rtol=1e-5)
    assert np.all(np.diff(point_cm, axis=1) >= 0)
    assert set(point_cm[-1]) <= set((x[-1:] / unit[-1:, None])[0])
    if length > 100:
        spread = np.average(point_cm**2, axis=1, weights=weight_m)
        np.testing.assert_allclose(spread, np.mean((x / unit[:, None]) ** 2, axis=1), rtol=0.03)


def test_the_ends_of_a_long_row_are_in_its_sample() -> None:
    x = RNG.normal(size=(1, 8 * SAMPLE + 345)).astype(np.float32)
    places = RNG.choice(x.size, 6, replace=False)
    x[0, places] = [-90, -80, -70, 70, 80, 90]
    taken = sample(x)
    assert set(x[np.abs(x) > 6]) <= set(taken.x_cn[0])
    assert np.all(taken.weight_n[np.abs(taken.x_cn[0]) > 6] == 1)
    assert np.all(np.diff(taken.x_cn[0]) >= 0)


def test_quantiles_of_magnitudes_are_those_of_numpy() -> None:
    x = RNG.laplace(size=(3, 1001)).astype(np.float32)
    for share in (1.0, 0.999, 0.9, 0.5, 0.01):
        expected = np.quantile(np.abs(x), share, axis=1)
        np.testing.assert_allclose(sample(x).magnitude(share), expected, rtol=1e-5)
    long = RNG.laplace(size=(1, 3 * SAMPLE)).astype(np.float32)
    expected = np.quantile(np.abs(long), 0.999, axis=1)
    np.testing.assert_allclose(sample(long).magnitude(0.999), expected, rtol=0.05)


# No other calibration has a lower error than mse, on any data


def outliers(size: int, *values: float) -> np.ndarray:
    x = np.random.default_rng(1).normal(size=size)
    x[: len(values)] = values
    return x


HARD = {
    "one outlier": lambda n: outliers(n, 20),
    "one on the other side": lambda n: outliers(n, -20),
    "outliers on both sides": lambda n: outliers(n, 50, -30),
    "rectified normal": lambda n: np.maximum(outliers(n), 0),
    "rectified uniform": lambda n: np.random.default_rng(1).random(n),
    "heavy tails": lambda n: np.random.default_rng(1).standard_t(3, n),
    "one heavy tail": lambda n: np.abs(np.random.default_rng(1).standard_t(3, n)) - 0.05,
    "no mean": lambda n: np.random.default_rng(1).standard_cauchy(n),
    "far from zero": lambda n: outliers(n) + 5,
    "whole numbers": lambda n: np.rint(outliers(n)),
}
LEAST = [
    *(f"symmetric:{bits}" for bits in range(2, 9)),
    *(f"uniform:{bits}" for bits in range(1, 9)),
    *(f"symmetric:{bits},grid={grid}" for bits in (2, 8) for grid in ("even", "twos-complement")),
    *("logarithmic:4", "logarithmic:4,signed=False", "logarithmic:6", "logarithmic:3,base=sqrt2"),
    *("apot:3", "apot:4,signed=False", "apot:7", "nf4:4", "binary:1"),
]


def errors_by_row(x: np.ndarray, spec: str, axis: int | None) -> np.ndarray:
    quantizer = get_quantizer(spec if axis is None else f"{spec},axis={axis}")
    decoded = encode(x, quantizer, quantizer.fit(x, axis)).decode()
    return np.mean((decoded.astype(np.float64) - x) ** 2, axis=1)


@pytest.mark.parametrize("spec", LEAST)
@pytest.mark.parametrize("over", [None, 0])
def test_no_calibration_beats_the_least_error(spec: str, over: int | None) -> None:
    for name, draw in HARD.items():
        x = draw(4_200).reshape((1, -1) if over is None else (6, 700)).astype(np.float32)
        least = errors_by_row(x, f"{spec},calibration=mse", over)
        for other in ("absmax", "percentile", "octav"):
            theirs = errors_by_row(x, f"{spec},calibration={other}", over)
            assert np.all(least <= 1.0001 * theirs + 1e-12), (name, other)


@pytest.mark.parametrize("spec", ["symmetric:2", "symmetric:8", "uniform:3", "uniform:8"])
@pytest.mark.parametrize("name", ["one heavy tail", "outliers on both sides", "rectified uniform"])
def test_it_is_not_beaten_on_long_rows(name: str, spec: str) -> None:
    x = HARD[name](2 * SAMPLE + 9_999)[None].astype(np.float32)
    least = errors_by_row(x, f"{spec},calibration=mse", None)
    for other in ("absmax", "percentile", "octav"):
        assert least <= 1.01 * errors_by_row(x, f"{spec},calibration={other}", None), other


@pytest.mark.parametrize(
    ("spec", "size", "outlier", "most"),
    # A fine search over both ends finds 0.213 and 0.230; octav has 0.226 and 0.234.
    [("uniform:2", 5_000, 20, 0.216), ("uniform:3", 50_000, 100, 0.2325)],
)
def test_an_outlier_does_not_take_the_other_side_away(
    spec: str, size: int, outlier: float, most: float
) -> None:
    x = outliers(size, outlier)[None].astype(np.float32)
    assert errors_by_row(x, f"{spec},calibration=mse", None) < most


def test_eight_bits_of_rectified_data_use_the_whole_range() -> None:
    x = np.random.default_rng(1).random((1, 784_000)).astype(np.float32)
    # A step is 1/255, and the variance of rounding a twelfth of its square: 1.28e-6.
    np.testing.assert_allclose(errors_by_row(x, "uniform:8", None), 1 / 255**2 / 12, rtol=0.01)


def test_eight_bits_of_a_channel_are_not_worse_than_absmax() -> None:
    x = np.random.default_rng(1).normal(size=(16, 5_000)).astype(np.float32)
    least = errors_by_row(x, "symmetric:8,calibration=mse", 0)
    assert np.all(least <= errors_by_row(x, "symmetric:8,calibration=absmax", 0))


@pytest.mark.parametrize("spec", ["uniform:3", "symmetric:8", "apot:4", "logarithmic:6", "binary"])
def test_the_range_depends_neither_on_the_path_nor_on_threads(spec: str) -> None:
    quantizer = get_quantizer(spec + ("," if ":" in spec else ":") + "calibration=mse")
    x = RNG.standard_t(3, size=(5, 70_001)).astype(np.float32)
    all_qparams = []
    for path in cpu.paths():
        for threads in (1, 2):
            before = get_num_threads()
            set_num_threads(threads)
            with cpu.using(path):
                found = [quantizer.fit(x, axis) for axis in (None, 0)]
            set_num_threads(before)
            all_qparams.append([(f.scale.tobytes(), f.zero_point.tobytes()) for f in found])
    assert all(qparams == all_qparams[0] for qparams in all_qparams)


def test_rows_are_fitted_as_if_they_were_alone() -> None:
    x = np.stack([HARD[name](900) for name in HARD]).astype(np.float32)
    quantizer = get_quantizer("uniform:3,axis=0")
    together = quantizer.fit(x, 0)
    alone = [quantizer.fit(row[None], 0) for row in np.repeat(x, 2, axis=0)[::2]]
    # A row alone is looked at through more points.
    np.testing.assert_allclose(together.scale, [float(f.scale[0]) for f in alone], rtol=0.3)
    several = quantizer.fit(x[3:7], 0)
    np.testing.assert_array_equal(several.scale, together.scale[3:7])


@pytest.mark.parametrize("factor", [1e-30, 1e-15, 1e15, 1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_unit_of_the_data_does_not_matter(factor: float, dtype: type) -> None:
    x = outliers(3_000, 20)
    for spec in ("uniform:2", "symmetric:4"):
        quantizer = get_quantizer(spec)
        scales = [float(quantizer.fit(dtype(x * f)).scale) / f for f in (1, factor)]
        np.testing.assert_allclose(scales[0], scales[1], rtol=0.05)
