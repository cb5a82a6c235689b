"""One page of NumPy, and the library: the same numbers, bit for bit."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
import qnn_data
from apps_runner import APPS, run

EPOCHS = 3
# On every kernel path: the library's numbers do not depend on the processor, nor does the page.
PATHS = ("base", "avx2", "")


@pytest.fixture(scope="module")
def page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("one_page", APPS / "one_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def digits() -> tuple[Any, Any]:
    train, test = qnn_data.load("mnist-mini")
    return train[:], test[:]


@pytest.fixture(scope="module")
def trained(page: ModuleType, digits: Any) -> tuple[list[Any], list[tuple[float, float]]]:
    layers = page.make_layers()
    return layers, page.train(layers, *digits[0], EPOCHS)


def library_model() -> qnn.Sequential:
    """Return the model that the page's docstring says."""
    return qnn.Sequential(
        qnn.QuantLinear(
            784, 128, bias=False, seed=0,
            weight="symmetric:2,scale=0.0625", input="symmetric:2,scale=1",
        ),
        qnn.QuantLinear(
            128, 10, bias=False, seed=1,
            weight="symmetric:2,scale=0.125", input="symmetric:2,scale=1",
        ),
    )  # fmt: skip # as the page has it


@pytest.fixture(scope="module")
def library(digits: Any) -> tuple[qnn.Sequential, qnn.History]:
    model = library_model()
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    history = qnn.fit(model, digits[0], epochs=EPOCHS, batch_size=100, optimizer=optimizer, seed=0)
    return model, history


def test_latent_weights_and_codes_are_the_librarys(trained: Any, library: Any) -> None:
    layers, model = trained[0], library[0]
    for ours, theirs in zip(layers, model, strict=True):
        assert ours.weight.tobytes() == theirs.weight.data.tobytes()
        assert np.array_equal(ours.codes(), theirs.codes())


def test_losses_and_accuracies_are_the_librarys(trained: Any, library: Any) -> None:
    assert trained[1] == [(epoch.loss, epoch.accuracy) for epoch in library[1].epochs]
    assert trained[1][-1][1] > 0.9


def test_the_first_step_is_the_librarys(page: ModuleType, digits: Any) -> None:
    x, y = (part[:100] for part in digits[0])
    layers, model = page.make_layers(), library_model()
    scores = page.forward(layers, x)
    loss, gradient = page.loss_and_gradient(scores, y)
    outputs = model(qnn.Tensor(x))
    theirs = qnn.ops.softmax_cross_entropy(outputs, y)
    theirs.backward()
    assert scores.tobytes() == outputs.data.tobytes()
    assert loss == theirs.item()
    for layer in reversed(layers):
        gradient = layer.backward(gradient)
    for ours, other in zip(layers, model, strict=True):
        assert ours.gradient.tobytes() == other.weight.grad.data.tobytes()


def test_integers_answer_as_floats_and_as_a_packed_model_do(
    page: ModuleType, digits: Any, trained: Any, library: Any
) -> None:
    layers = trained[0]
    x, y = digits[1]
    packed = [page.pack(layer) for layer in layers]
    answers = page.predict(*packed, x)
    assert np.array_equal(answers, page.forward(layers, x).argmax(axis=1))
    assert np.array_equal(answers, qnn.pack(library[0], x[:1]).predict(x))
    assert np.mean(answers == y) > 0.85
    for ours, theirs in zip(packed, library[0], strict=True):
        assert ours.tobytes() == theirs.coded().packed.tobytes()


@pytest.mark.parametrize("path", PATHS)
def test_exp_is_the_librarys_on_every_path(page: ModuleType, path: str, tmp_path: Path) -> None:
    """The slopes of a cross-entropy hold the library's exp."""
    scores = np.random.default_rng(0).normal(0, 20, (500, 10)).astype(np.float32)
    labels = np.zeros(500, np.int64)
    np.save(tmp_path / "scores.npy", scores)
    program = (
        "import numpy as np, qnn_core as qnn\n"
        "x = qnn.Tensor(np.load('scores.npy'), requires_grad=True)\n"
        "qnn.ops.softmax_cross_entropy(x, np.zeros(500, int)).backward()\n"
        "np.save('slopes.npy', x.grad.data)\n"
    )
    env = {**os.environ, **({"QNN_CPU": path} if path else {})}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, check=True)
    _, slopes = page.loss_and_gradient(scores, labels)
    assert slopes.tobytes() == np.load(tmp_path / "slopes.npy").tobytes()


def test_the_page_imports_numpy_and_the_data_alone() -> None:
    tree = ast.parse((APPS / "one_page.py").read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name.split(".")[0]
        for node in imports
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
        if name
    }
    assert names == {"numpy", "qnn_data", "sys"}


def test_the_page_is_a_page() -> None:
    lines = (APPS / "one_page.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 240


def test_the_page_runs(tmp_path: Path) -> None:
    done = run("one_page", "--quick", cwd=tmp_path)
    assert done.status == 0, done.err
    assert done.err == ""
    assert done.out.startswith("epoch  1: loss 0.6915, accuracy 77.83%")
    assert "25,408 bytes of codes in place of 406,528 bytes of floats" in done.out
    assert done.out.endswith("the integers answer as the floats do: True\n")
