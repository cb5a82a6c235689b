"""Nets and states of PyTorch itself: `nox -s torch`."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.errors import ConversionError, FileError, ShapeError, StateError
from qnn_core.importing.outputs import tensors

torch = pytest.importorskip("torch")
nn = torch.nn
pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("default"),  # theirs are none of ours
]
torch_nets = pytest.importorskip("torch_nets")
NETS = list(torch_nets.NETS)
BATCH_NORMS = {"resnet8", "resnet20", "mobilenet_v2", "mobilenet_v3", "ds_cnn", "mlp", "conv1d"}


def outputs(net: Any, x: Any) -> Any:
    with torch.no_grad():
        return net.eval()(x).numpy()


def norms(model: qnn.Module) -> int:
    return sum(isinstance(module, qnn.BatchNorm) for _, module in model.named_modules())


@pytest.mark.parametrize("batch_norm", ["keep", "fold"])
@pytest.mark.parametrize("name", NETS)
def test_outputs_are_those_of_the_net(name: str, batch_norm: str) -> None:
    net, x = torch_nets.build(name)
    model = qnn.from_torch(net, x[:1], batch_norm=batch_norm)
    expected = outputs(net, x)
    np.testing.assert_allclose(model(x.numpy()).data, expected, rtol=1e-5, atol=1e-5)
    assert (norms(model) > 0) == (name in BATCH_NORMS and batch_norm == "keep")


def test_images_may_be_channels_last() -> None:
    net, x = torch_nets.build("resnet8")
    model = qnn.from_torch(net, x, layout="channels_last")
    images = np.moveaxis(x.numpy(), 1, -1)
    np.testing.assert_allclose(model(images).data, outputs(net, x), rtol=1e-5, atol=1e-5)


def test_the_net_stays_as_it_is_and_nothing_is_said(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    net, x = torch_nets.build("mobilenet_v2")
    net.train()
    net.features[0].eval()  # as who freezes the first layers has it
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    modes = [module.training for module in net.modules()]
    qnn.from_torch(net, x.numpy())
    assert modes == [module.training for module in net.modules()]
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert all(parameter.requires_grad for parameter in net.parameters())
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("wrap", [torch.compile, nn.DataParallel, torch.jit.script])
@pytest.mark.filterwarnings("ignore")  # PyTorch deprecates its own
def test_wrappers_are_opened(wrap: Any) -> None:
    net, x = perceptron(), torch.arange(10.0).reshape(2, 5)
    model = qnn.from_torch(wrap(net), x)
    np.testing.assert_allclose(model(x.numpy()).data, outputs(net, x), rtol=1e-5, atol=1e-5)


def test_several_inputs_and_outputs() -> None:
    class Both(nn.Module):  # type: ignore[misc,name-defined] # no types
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x: Any, y: Any) -> Any:
            return self.fc(x), self.fc(x) + y

    net, inputs = Both(), (torch.ones(2, 3), torch.ones(2, 2))
    got: Any = qnn.from_torch(net, inputs)(*(x.numpy() for x in inputs))
    for ours, theirs in zip(got, net(*inputs), strict=True):
        np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=1e-5)


class Matrix(nn.Module):  # type: ignore[misc,name-defined] # likewise
    """An operation that tracing does not export, and the other exporter does."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.norm = nn.BatchNorm1d(6)

    def forward(self, x: Any) -> Any:
        return self.norm(self.fc(x)).unflatten(1, (2, 3)).mT.flatten(1)


class Eigenvalues(nn.Module):  # type: ignore[misc,name-defined] # likewise
    """An operation that no exporter has."""

    def forward(self, x: Any) -> Any:
        return torch.linalg.eigvals(x[:, :, None] * x[:, None, :]).real


def test_what_tracing_cannot_export_goes_by_the_other_exporter(
    capfd: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("onnxscript")
    net, x = Matrix(), torch.arange(12.0).reshape(2, 6)
    model = qnn.from_torch(net, x)
    np.testing.assert_allclose(model(x.numpy()).data, outputs(net, x), rtol=1e-5, atol=1e-5)
    assert norms(model) == 1
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_exported_is_said_with_the_reason(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(
        ConversionError, match=r"cannot export this Eigenvalues: .*eigvals"
    ) as caught:
        qnn.from_torch(Eigenvalues(), np.zeros((1, 3)))
    assert caught.value.__cause__ is not None
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ConversionError, match="LSTM"):
        qnn.from_torch(nn.LSTM(3, 2), np.zeros((1, 4, 3)))


def test_what_is_no_module_is_refused() -> None:
    for wrong, hint in ((nn.Linear, "make one of it"), (torch.relu, "got builtin_function")):
        with pytest.raises(TypeError, match=f"must be a torch.nn.Module.*{hint}"):
            qnn.from_torch(wrong, np.zeros((1, 3)))
    with pytest.raises(TypeError, match="an array of numbers, got str"):
        qnn.from_torch(nn.Linear(3, 2), "example")


@pytest.mark.parametrize(
    ("net", "shape", "message"),
    [
        (nn.Linear(3, 2), (3,), r"must be a tensor \[batch, \.\.\.\]"),
        (nn.Linear(3, 2), (0, 3), "with a sample"),
        (nn.Conv2d(3, 2, 3), (3, 8, 8), "first axis of the example is not the batch"),
        (nn.Flatten(0), (1, 8), "first axis of the example is not the batch"),
    ],
)
def test_an_example_has_a_batch(net: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        qnn.from_torch(net, np.zeros(shape, np.float32))


def test_a_net_that_fails_on_the_example_says_so() -> None:
    with pytest.raises(ConversionError, match=r"fails on the example of shape \(1, 4\)") as caught:
        qnn.from_torch(nn.Linear(3, 2), np.zeros((1, 4)))
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("name", [name for name in NETS if name != "shapes"])
def test_an_imported_net_takes_a_later_state(name: str) -> None:
    net, x = torch_nets.build(name)
    model = qnn.from_torch(net, x)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(0.9)
    table = qnn.load_torch_state(model, net.state_dict())
    assert len(table) == sum("num_batches" not in name for name in net.state_dict())
    np.testing.assert_allclose(model(x.numpy()).data, outputs(net, x), rtol=1e-5, atol=1e-5)


def perceptron() -> Any:
    return nn.Sequential(
        OrderedDict(one=nn.Linear(5, 4), norm=nn.BatchNorm1d(4), act=nn.ReLU(), two=nn.Linear(4, 3))
    )


def ours() -> qnn.Sequential:
    layers = (qnn.Linear(5, 4), qnn.BatchNorm(4), qnn.ReLU(), qnn.Linear(4, 3))
    return qnn.Sequential(*layers)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize("checkpoint", [False, True])
def test_files_of_states(suffix: str, checkpoint: bool, tmp_path: Path) -> None:
    net, path = perceptron(), tmp_path / f"net.{suffix}"
    state = nn.DataParallel(net).state_dict() if checkpoint else net.state_dict()
    if suffix == "safetensors":
        pytest.importorskip("safetensors.torch").save_file(state, path)
    else:
        torch.save({"state_dict": state, "epoch": 3} if checkpoint else state, path)
    model, x = ours(), torch.arange(10.0).reshape(2, 5)
    qnn.load_torch_state(model, path)
    np.testing.assert_allclose(model.eval()(x.numpy()).data, outputs(net, x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_states_of_other_precisions(dtype: Any) -> None:
    net = perceptron().to(dtype)
    model = ours()
    qnn.load_torch_state(model, net.state_dict())
    assert model.dtype == np.float32
    expected = net.one.weight.detach().float().numpy()
    np.testing.assert_array_equal(model[0].weight.array, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_files_of_other_precisions(dtype: Any, tmp_path: Path) -> None:
    net = perceptron().to(dtype)
    model, again = ours(), ours()
    qnn.load_torch_state(model, net.state_dict())
    pytest.importorskip("safetensors.torch").save_file(net.state_dict(), tmp_path / "n.safetensors")
    qnn.load_torch_state(again, tmp_path / "n.safetensors")
    for name, array in again.state_dict().items():
        np.testing.assert_array_equal(array, model.state_dict()[name])


@pytest.mark.parametrize("make", [lambda x: x.to_sparse(), lambda x: x.to("meta")])
def test_tensors_that_are_no_arrays_are_named(make: Any) -> None:
    state = perceptron().state_dict()
    state["two.weight"] = make(state["two.weight"])
    with pytest.raises(StateError, match=r"two\.weight cannot be read as an array: "):
        qnn.load_torch_state(ours(), state)


def test_a_pickled_net_is_refused(tmp_path: Path) -> None:
    torch.save(perceptron(), tmp_path / "net.pt")
    with pytest.raises(FileError, match=r"net\.pt holds no state dictionary"):
        qnn.load_torch_state(ours(), tmp_path / "net.pt")


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        y = self.last(x)
        return y if x.sum() > 0 else -y


def test_a_forward_that_depends_on_numbers_is_told() -> None:
    with pytest.warns(qnn.ConversionWarning, match=r"does its forward depend on the numbers"):
        qnn.from_torch(Branches(), torch.ones(3, 4))


def test_a_state_is_no_net() -> None:
    state = Branches().state_dict()
    with pytest.raises(
        TypeError, match=r"got OrderedDict: a state\? qnn\.load_torch_state"
    ) as error:
        qnn.from_torch(state, torch.ones(3, 4))
    assert len(str(error.value)) < 200


def test_a_shape_is_no_example() -> None:
    with pytest.raises(ShapeError, match=r"torch\.zeros\(1, 4\) is one"):
        qnn.from_torch(nn.Linear(4, 2), (1, 4))


def test_an_example_may_have_another_dtype() -> None:
    net = nn.Linear(4, 2)
    for x in (torch.ones(2, 4).double(), torch.ones(2, 4).long(), [np.ones((2, 4))]):
        assert qnn.from_torch(net, x)(np.ones((2, 4))).shape == (2, 2)


class Returns(nn.Module):
    """What `pack` makes of two outputs of other shapes."""

    def __init__(self, pack: Any) -> None:
        super().__init__()
        self.one, self.other, self.pack = nn.Linear(4, 2), nn.Linear(4, 3), pack

    def forward(self, x: Any) -> Any:
        return self.pack(self.one(x), self.other(x))


Pair = namedtuple("Pair", ["second", "first"])


@pytest.mark.parametrize(
    "pack",
    [
        lambda a, b: {"z": a, "a": b},
        lambda a, b: OrderedDict(z=a, a=b),
        Pair,
        lambda a, b: [a, (b, {"z": 2 * a, "c": b * 2})],
        lambda a, b: (a, None, b),
        lambda a, b: (b.argmax(1), a, b > 0, b),
        lambda a, b: (a, b / 0 * (b - b)),  # NaN everywhere
    ],
)
def test_outputs_of_every_structure_are_compared_in_order(pack: Any) -> None:
    net, x = Returns(pack), torch.linspace(-1, 1, 12).reshape(3, 4)
    with np.errstate(all="ignore"):
        got: Any = qnn.from_torch(net, x)(x.numpy())
        with torch.no_grad():
            wanted = tensors(net(x))
        assert len(wanted) == len(got) >= 2
        for ours, theirs in zip(got, wanted, strict=True):
            np.testing.assert_allclose(ours.data, theirs.numpy(), rtol=1e-5, atol=1e-5)


@dataclass
class Made:
    second: Any
    first: Any


def test_tensors_of_an_answer_are_in_order() -> None:
    a, b, c, whole = torch.ones(1), torch.ones(2), torch.ones(3), torch.ones(4).long()
    for answer in (
        (a, b, c),
        [a, (b, [c])],
        {"z": a, "y": (b, {"x": c})},
        OrderedDict(z=a, y=Pair(b, c)),
        Made(a, Made(b, c)),
        (None, a, "text", b, 3.0, c),
        (whole, a, b, {"n": whole > 1}, c),
    ):
        assert [len(tensor) for tensor in tensors(answer)] == [1, 2, 3]
    assert tensors({"classes": whole}) == [whole]
    assert tensors(None) == []


def test_outputs_that_came_in_another_number_are_refused() -> None:
    message = r"has 2 outputs of shape \(2, 2\) and \(2, 2\), .* here 1 output of shape \(2, 2\)"
    with pytest.raises(ConversionError, match=message):
        qnn.from_torch(Returns(lambda a, b: (a, a)), torch.ones(2, 4))


@pytest.mark.parametrize("inside", [lambda y: (y,), lambda y: {"y": y}, lambda y: ({"y": [y]},)])
def test_a_difference_inside_of_a_structure_is_seen(inside: Any) -> None:
    class Inside(Branches):
        def forward(self, x: Any) -> Any:
            return inside(super().forward(x))

    with pytest.warns(qnn.ConversionWarning, match=r"does its forward depend on the numbers"):
        qnn.from_torch(Inside(), torch.ones(3, 4))


def test_numbers_that_are_none_are_a_difference() -> None:
    class Sometimes(Branches):
        def forward(self, x: Any) -> Any:
            y = self.last(x)
            return y if x.sum() > 0 else y * float("nan")

    with pytest.warns(qnn.ConversionWarning, match=r"differ in NaN or infinity, on the example"):
        qnn.from_torch(Sometimes(), torch.ones(3, 4))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.filterwarnings("error::qnn_core.errors.ConversionWarning")
def test_roundings_of_half_precision_are_no_difference(dtype: Any) -> None:
    net, x = torch_nets.build("lenet")
    model = qnn.from_torch(net.to(dtype), x)
    expected = net.float()(x).detach().numpy()  # on the same weights, which were rounded once
    ours = model(x.numpy()).data
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.filterwarnings("error::qnn_core.errors.ConversionWarning")
def test_a_net_that_computes_in_place_leaves_the_example_alone() -> None:
    class InPlace(Branches):
        def forward(self, x: Any) -> Any:
            return self.last(x.mul_(2).add_(1))

    x = torch.ones(2, 4)
    net = InPlace()
    model = qnn.from_torch(net, x)
    assert torch.equal(x, torch.ones(2, 4))
    expected = outputs(net, x.clone())
    np.testing.assert_allclose(model(x.numpy()).data, expected, rtol=1e-5, atol=1e-5)
