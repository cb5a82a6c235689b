"""Models in files with their structure: equal when they come back, and refused where not."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.cli import main
from qnn_core.errors import FileError, SpecError, StructureError
from qnn_core.files import load_arrays, save_arrays
from qnn_core.nn import surgery
from qnn_core.nn.layers.graph_module import GraphModule
from qnn_core.nn.layers.graph_module import Step as GraphStep
from qnn_core.quantizer import Quantizer

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)).astype(np.float32), np.arange(60) % 3
IMAGES = RNG.normal(size=(4, 28, 28, 1)).astype(np.float32)


@dataclass(frozen=True)
class Ternary(Quantizer):
    bits: int = 2

    @property
    def levels(self) -> list[int]:
        return [-1, 0, 1]


@dataclass
class Settings:
    width: int
    names: tuple[str, ...] = ("a", "b")


class Step(NamedTuple):
    name: str
    inputs: tuple[str, ...]


class Own(qnn.Module):
    """Whatever attributes a module may have."""

    def __init__(self) -> None:
        self.settings = Settings(8)
        self.steps = (Step("a", ("x",)), Step("b", ()))
        self.blocks = [[qnn.QuantLinear(4, 4, weight=Ternary(), seed=0), qnn.BatchNorm(4)], None]
        self.by_name = {"last": qnn.Linear(4, 3, seed=1), 2: np.arange(3), "none": None}
        self.again = self.by_name["last"]
        self.tied = self.again.weight
        self.active = qnn.ops.relu
        self.total = qnn.ops.sum
        self.constant = qnn.Tensor(2.0)
        self.flags = {"x", "y"}
        self.low, self.dtype_wanted = -np.inf, np.dtype("float32")
        self.number = np.float64(0.1)
        self.rng = np.random.default_rng(5)
        self.old_rng = np.random.Generator(np.random.MT19937(3))
        self.gain = qnn.Parameter([1.0], np.float32, bounds=(0, 2), decay=False)
        self.counter = qnn.Buffer(3, np.int64)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        for layer in self.blocks[0]:
            x = layer(x)
        return self.again(self.active(x)) * self.gain * self.constant


def quantized() -> qnn.Module:
    model = qnn.MLP([4, 8, 3], seed=0)
    model(X)
    return qnn.quantize(model, weight="symmetric:4", input="uniform:4", calibration=X)


def imported() -> qnn.Module:
    """As nets of other frameworks become."""
    layers = {"conv": qnn.Conv2d(1, 1, 3, padding=1, seed=0), "add": qnn.nn.Elementwise("add")}
    steps = [("conv", ("x",), "y"), ("add", ("x", "y"), "z")]
    return GraphModule(layers, [GraphStep(*step) for step in steps], ["x"], ["z"])


def mixed_up() -> qnn.Module:
    model = surgery.exchange(quantized(), {"layers.1": qnn.nn.Tanh()})
    model.layers.append(qnn.ReLU())
    model.layers[0].requires_grad_(False)
    model.layers[-2].freeze()
    return model


def with_scheme(name: str) -> Callable[[], qnn.Module]:
    spec = name if name in ("binary", "nf4") else f"{name}:2"
    how: dict[str, Any] = {"batch_norm": True, "dropout": 0.2, "weight_bounds": (-1, 1)}
    return lambda: qnn.MLP([4, 6, 6, 3], weight=spec, input=spec, **how, seed=0)


MODELS: dict[str, tuple[Callable[[], qnn.Module], Any]] = {
    **{name: (with_scheme(name), X) for name in qnn.schemes()},
    "Autoencoder": (lambda: qnn.Autoencoder([4, 2, 4], seed=0), X),
    "LeNet": (
        lambda: qnn.LeNet(weight="binary", input="uniform:2", batch_norm=True, seed=0),
        IMAGES,
    ),
    "ResNet": (lambda: qnn.ResNet((28, 28, 1), weight="binary", seed=0), IMAGES),
    "DSCNN": (
        lambda: qnn.DSCNN((28, 28, 1), first_kernel=3, blocks=1, weight="symmetric:4", seed=0),
        IMAGES,
    ),
    "Conv1d": (lambda: qnn.QuantConv1d(1, 2, 3, weight="symmetric:4", seed=0), IMAGES[..., 0, :]),
    "float64": (lambda: qnn.MLP([4, 3], seed=0).astype(np.float64), X),
    "Own": (Own, X),
    "quantized": (quantized, X),
    "imported": (imported, IMAGES),
    "mixed up": (mixed_up, X),
}


def back(model: qnn.Module, folder: Path) -> Any:
    qnn.save(model, folder / "any name")
    return qnn.load(folder / "any name")


@pytest.mark.parametrize("name", MODELS)
def test_it_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    make, x = MODELS[name]
    model = make()
    for training in (True, False):
        model.train(training)
        model(x)
        again = back(model, tmp_path)
        assert type(again) is type(model)
        assert repr(again) == repr(model)
        mine, other = model.state_dict(), again.state_dict()
        assert list(mine) == list(other)
        for key, array in mine.items():
            assert array.dtype == other[key].dtype
            np.testing.assert_array_equal(array, other[key])
        modes = [[m.training for _, m in each.named_modules()] for each in (model, again)]
        assert modes[0] == modes[1]
        # Twice: what is drawn goes on from the same place.
        for _ in range(2):
            np.testing.assert_array_equal(model(x).data, again(x).data)


def steps(model: qnn.Module, optimizer: qnn.optim.Optimizer, count: int) -> None:
    for _ in range(count):
        optimizer.zero_grad()
        qnn.ops.softmax_cross_entropy(model(X), Y).backward()
        optimizer.step()


@pytest.mark.parametrize("name", ["lsq-plus", "stochastic", "Own", "mixed up"])
def test_training_goes_on_to_the_same_bits(name: str, tmp_path: Path) -> None:
    model = MODELS[name][0]().train()
    steps(model, qnn.optim.SGD(model.parameters(), 0.01), 3)
    again = back(model, tmp_path)
    for each in (model, again):
        steps(each, qnn.optim.SGD(each.parameters(), 0.01), 3)
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, again.state_dict()[key])


def test_all_attributes_come_back(tmp_path: Path) -> None:
    model, again = Own(), back(Own(), tmp_path)
    assert vars(again).keys() == vars(model).keys() - {"_checked"}
    assert again.settings == Settings(8)
    assert again.steps == model.steps
    assert type(again.steps[0]) is Step
    assert again.again is again.by_name["last"]
    assert again.tied is again.again.weight
    assert again.active is qnn.ops.relu
    assert again.total is qnn.ops.sum
    assert type(again.blocks[0]) is list
    assert again.blocks[1] is None
    assert again.by_name[2].tolist() == [0, 1, 2]
    assert (again.flags, again.low, again.dtype_wanted) == ({"x", "y"}, -np.inf, np.float32)
    assert (again.number, type(again.number)) == (0.1, np.float64)
    assert again.rng.random() == model.rng.random()
    assert again.old_rng.random() == model.old_rng.random()
    assert (again.gain.bounds, again.gain.decay) == ((0.0, 2.0), False)
    assert (again.counter.dtype, again.counter.item()) == (np.int64, 3)
    assert again.blocks[0][0].weight_quantizer.quantizer == Ternary()


def test_the_content_tells_what_is_loaded(tmp_path: Path) -> None:
    model = qnn.MLP([4, 3], weight="symmetric:4", seed=0)
    model(X)
    packed = qnn.pack(model, X)
    qnn.save(packed, tmp_path / "a.safetensors")
    qnn.save(model, tmp_path / "b.qnn")
    assert type(qnn.load(tmp_path / "a.safetensors")) is qnn.PackedModel
    assert type(qnn.load(tmp_path / "b.qnn")) is qnn.MLP
    with pytest.raises(FileError, match="qnn model"):
        qnn.deploy.load(tmp_path / "b.qnn")
    qnn.save_state(model, tmp_path / "c")
    with pytest.raises(FileError, match=r"qnn\.load_state"):
        qnn.load(tmp_path / "c")
    state = qnn.load_state(tmp_path / "b.qnn")
    assert state.keys() == model.state_dict().keys()
    qnn.MLP([4, 3], weight="symmetric:4").load_state_dict(state)


class Holds(qnn.Module):
    def __init__(self, what: Any) -> None:
        self.what = what


class Listed(qnn.Module, list):  # type: ignore[type-arg] # of anything
    pass


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (lambda: Holds({"a": [lambda x: x]}), r"what\.a\.0 holds a builtins\.function.*methods"),
        (lambda: Holds(print), "what holds a builtins.builtin_function_or_method"),
        (lambda: Holds(qnn.Parameter([1.0]) * 2), "what is a tensor that an operation made"),
        (lambda: Holds(Path("x")), "what holds a pathlib"),
        (lambda: Holds(1j), "what holds a builtins.complex"),
        (lambda: Holds(np.array(["x"])), "what holds a numpy.ndarray"),
        (Listed, "is a list, tuple or dictionary itself"),
        (lambda: type("Local", (Holds,), {})(1), "Local, is not found by its name"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_when_it_is_saved(
    model: Callable[[], qnn.Module], told: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=told):
        qnn.save(model(), tmp_path / "net")
    assert not list(tmp_path.iterdir())


def test_qnn_info_tells_what_a_file_of_a_model_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    qnn.save(quantized(), tmp_path / "net")
    qnn.save_state(quantized(), tmp_path / "state")
    for name, kind in (("net", "qnn model"), ("state", "qnn state")):
        assert main(["info", str(tmp_path / name)]) == 0
        told = capsys.readouterr().out
        assert told.startswith(kind)
        assert "QuantLinear(4, 8, bias=True)" in told
        assert main(["info", str(tmp_path / name), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["kind"] == kind
        assert found["parameters"]["layers.0.weight"]["shape"] == [8, 4]


def test_parts_without_a_name_are_refused_as_ever(tmp_path: Path) -> None:
    with pytest.raises(StructureError):
        qnn.save(Holds({qnn.Linear(1, 1)}), tmp_path / "net")
    with pytest.raises(SpecError, match="a Module or a PackedModel"):
        qnn.save([1], tmp_path / "net")  # type: ignore[arg-type] # what is refused


def changed(folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """Return a file of a model whose description somebody changed, with a right checksum."""
    held = [qnn.Linear(2, 2, seed=0), Ternary(), Settings(3), qnn.ops.relu, Step("a", ("x",))]
    qnn.save(Holds(held), folder / "f")
    arrays, about = load_arrays(folder / "f")
    arrays["many"] = np.zeros(100_000, np.float32)
    change(about)
    save_arrays(folder / "f", arrays, about)
    return folder / "f"


def attribute(about: dict[str, Any], number: int) -> dict[str, Any]:
    (what,) = [value for name, value in about["modules"][0]["attributes"] if name == "what"]
    found: dict[str, Any] = what["list"][number]
    return found


def grow(about: dict[str, Any]) -> None:
    """Let modules hold the next one twice, so that each line of a few bytes doubles the whole."""
    first = len(about["modules"])
    for number in range(40):
        inner = {"module": first + number + 1}
        both = [["a", inner], ["b", inner]] if number < 39 else []
        about["modules"].append({"class": "qnn_core.nn.layers.activation:ReLU", "attributes": both})
    about["modules"][0]["attributes"].append(["x", {"module": first}])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda a: a["modules"][1].update({"class": "os:system"}), "system is no class"),
        (lambda a: a["modules"][1].update({"class": "no_such_place:Net"}), "is not found"),
        (lambda a: a["modules"][1].update({"class": "builtins:list"}), "is no Module"),
        (lambda a: a["modules"][1].update({"class": "__main__:Net"}), "in the program that saved"),
        (lambda a: attribute(a, 1).update(quantizer="subprocess:Popen"), "is no Quantizer"),
        (lambda a: attribute(a, 1).update(quantizer="builtins:exec"), "exec is no class"),
        (lambda a: attribute(a, 1)["fields"].append(["bits", 99]), "bits must be"),
        (lambda a: attribute(a, 2).update(dataclass="subprocess:Popen"), "is no dataclass"),
        (lambda a: attribute(a, 4).update(namedtuple="builtins:tuple"), "is no tuple of 2 names"),
        (lambda a: attribute(a, 2)["fields"].append(["other", 1]), "is no dataclass of these"),
        (lambda a: attribute(a, 3).update(operation="__builtins__"), "is no operation"),
        (lambda a: attribute(a, 0).update(module=7), "what: IndexError"),
        (lambda a: attribute(a, 0).update(module=-1), "there is no module -1"),
        (lambda a: attribute(a, 0).update(module=0), "inside of itself"),
        (lambda a: a["modules"][0]["attributes"].append(["__class__", 1]), "is no attribute"),
        (lambda a: a["modules"][0]["attributes"].append(["x", {"pickle": "x"}]), "is nothing"),
        (lambda a: a["modules"][0]["attributes"].append(["x", {"generator": "os"}]), "is no gen"),
        (lambda a: a["modules"][0]["attributes"].append(["x", {"array": "none"}]), "KeyError"),
        (lambda a: a["modules"][0]["attributes"].append(["forward", 1]), "stand in for a method"),
        (grow, "in more places than any model"),
        (
            lambda a: a["modules"][0]["attributes"].append(
                ["x", {"list": [{"array": "many"}] * 99}]
            ),
            "more often than any model",
        ),
        (lambda a: a["modules"][0].pop("class"), "describes no model"),
        (lambda a: a.pop("modules"), "describes no model"),
        (lambda a: a.update(modules=[]), "describes no model"),
        (lambda a: a.update(version=1), "version 1; needed is 2"),
        (lambda a: a.update(model="Holds(other)"), "its classes have changed since, or somebody"),
    ],
)
def test_a_description_that_is_wrong_is_refused(
    change: Callable[[dict[str, Any]], Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match=told):
        qnn.load(changed(tmp_path, change))


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda about: None)
    qnn.load(path)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(FileError, match="changed or damaged"):
        qnn.load(path)


def test_a_class_of_a_program_is_found_by_the_program_alone(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "import qnn_core as qnn\n"
        "class Net(qnn.Module):\n"
        "    def __init__(self, width):\n"
        "        print('built')\n"
        "        self.inner = qnn.Linear(width, 2, seed=0)\n"
        "    def forward(self, x):\n"
        "        return self.inner(x)\n"
        "if sys.argv[1] == 'save':\n"
        "    qnn.save(Net(3), 'net')\n"
        "else:\n"
        "    print(qnn.load('net')([[0.0, 0.0, 0.0]]))\n"
    )

    def run(word: str) -> str:
        command = [sys.executable, "program.py", word]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    assert run("save") == "built\n"
    assert run("load") == "Tensor([[0., 0.]], op=linear)\n"
    with pytest.raises(FileError, match=r"'__main__:Net' is not found.*define it in this one"):
        qnn.load(tmp_path / "net")


def test_files_that_are_no_models_say_what_reads_them(tmp_path: Path) -> None:
    model = qnn.MLP([3, 2], seed=0)
    qnn.save_state(model, tmp_path / "state")
    with pytest.raises(FileError, match=r"holds no model, but the state of one: qnn\.load_state"):
        qnn.load(tmp_path / "state")
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    data = np.ones((4, 3)), np.array([0, 1, 0, 1])
    qnn.fit(model, data, epochs=1, optimizer=optimizer, checkpoint=tmp_path / "run")
    with pytest.raises(FileError, match=r"holds no model, but a run of fit: .*resume=True"):
        qnn.load(tmp_path / "run")
