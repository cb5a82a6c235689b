"""Transforms of latent weights: DoReFa-Net's and APoT's, by their formulas."""

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, nn
from qnn_core.errors import SpecError
from qnn_core.nn.quant.transforms import TRANSFORMS
from qnn_core.testing import check_op

W = np.float32([[-1.5, -0.2, 0.1], [0.6, 0.05, 0.0]])
DOREFA = "grid=even,scale=fixed,calibration=absmax,ste=identity,transform=tanh"


def with_weight(weight: np.ndarray, spec: str) -> nn.QuantLinear:
    layer = nn.QuantLinear(weight.shape[1], weight.shape[0], weight=spec, seed=0)
    layer.weight.data[...] = weight
    return layer


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_the_weights_of_dorefa(bits: int) -> None:
    steps = 2**bits - 1
    bent = np.tanh(W.astype(np.float64))
    share = bent / (2 * np.abs(bent).max()) + 0.5
    expected = 2 * np.rint(steps * share) / steps - 1
    layer = with_weight(W, f"symmetric:{bits},{DOREFA}")
    np.testing.assert_allclose(layer.coded().decode(), expected, rtol=1e-6, atol=1e-7)
    used = layer.weight_quantizer(layer.weight).data
    np.testing.assert_array_equal(used, layer.coded().decode())


def test_the_activations_of_dorefa() -> None:
    layer = nn.Quantize("uniform:2,scale=fixed,calibration=unit")
    x = Tensor([[-0.5, 0.1, 0.3, 0.6, 0.9, 7.0]], requires_grad=True)
    y = layer(x)
    expected = np.rint(3 * np.clip(x.data, 0, 1)) / 3
    np.testing.assert_allclose(y.data, expected, rtol=1e-6)
    y.sum().backward()
    assert x.grad.data.tolist() == [[0, 1, 1, 1, 1, 0]]


def test_the_gradient_of_dorefa_goes_through_tanh_and_its_maximum() -> None:
    # With the straight-through estimator the quantizer is the identity.
    layer = with_weight(W, f"symmetric:2,{DOREFA}")
    g = np.float32([[1, 2, 3], [4, 5, 6]])
    layer.weight_quantizer(layer.weight).backward(g)
    found = layer.weight.grad.data
    bent, top = np.tanh(W.astype(np.float64)), np.tanh(1.5)
    share = g / top
    share[0, 0] += np.sum(g * bent) / top**2  # the greatest magnitude is that of -1.5
    np.testing.assert_allclose(found, share * (1 - bent**2), rtol=1e-4)


def test_the_normalization_of_apot() -> None:
    layer = with_weight(W, "apot:4,transform=standardize,scale=0.25")
    normal = (W - W.mean()) / W.std()
    levels = np.asarray(layer.weight_quantizer.quantizer.levels) * 0.25
    expected = levels[np.abs(normal[..., None] - levels).argmin(axis=-1)]
    np.testing.assert_array_equal(layer.coded().decode(), expected)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_derivatives(name: str) -> None:
    check_op(TRANSFORMS[name], W)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("value", [0, 0.5])
def test_weights_that_are_all_alike(name: str, value: float) -> None:
    layer = with_weight(np.full((2, 3), value, np.float32), f"symmetric:2,transform={name}")
    assert np.all(np.isfinite(layer.coded().decode()))


@pytest.mark.parametrize("axis", [None, 0])
@pytest.mark.parametrize("scale", ["learned", "lsq", "calibrated", "fixed"])
@pytest.mark.parametrize("name", sorted(set(TRANSFORMS) - {"none"}))
def test_codes_bytes_and_bits_of_a_transformed_weight(name: str, scale: str, axis: None) -> None:
    x = np.random.default_rng(0).normal(size=(9, 20)).astype(np.float32)
    options = f"symmetric:2,scale={scale},axis={axis}"
    plain, bent = (
        qnn.MLP([20, 30, 30, 5], weight=f"{options}{more}", input="uniform:4", seed=0)
        for more in ("", f",transform={name}")
    )
    for model in (plain, bent):
        model(Tensor(x))
        model.eval()
    np.testing.assert_array_equal(qnn.pack(bent, x)(x), bent(Tensor(x)).data)
    layer = next(m for _, m in bent.named_modules() if isinstance(m, nn.QuantLinear))
    used = layer.weight_quantizer(layer.weight).data
    np.testing.assert_array_equal(layer.coded().decode(), used)
    summaries = [qnn.summary(model, x) for model in (plain, bent)]
    assert summaries[0].nbytes == summaries[1].nbytes
    assert summaries[0].parameters == summaries[1].parameters
    assert summaries[0].macs == summaries[1].macs


def test_an_input_has_no_transform() -> None:
    with pytest.raises(SpecError, match="transform=tanh is for weights"):
        nn.Quantize("symmetric:2,transform=tanh")
