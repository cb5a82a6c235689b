"""Training: what it measures, where it stops, what it refuses and what it leaves behind."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Parameter, Tensor, ops
from qnn_core.errors import GraphError, NonFiniteError, ShapeError
from qnn_core.training import Checkpoint, Epoch, History

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(np.int64)
BATCHES = [(X[n : n + 10], LABELS[n : n + 10]) for n in range(0, 40, 10)]


def fit(data: Any = BATCHES, *, lr: float = 0.5, seed: int = 0, **options: Any) -> Any:
    model = qnn.MLP([3, 2], seed=seed)
    optimizer = qnn.optim.SGD(model.named_parameters(), lr=lr)
    return model, qnn.fit(model, data, **{"epochs": 3, "optimizer": optimizer, **options})


def test_it_learns() -> None:
    model, history = fit(epochs=30)
    assert history.last.accuracy > 0.95
    assert history.last.loss < history.epochs[0].loss
    assert not model.training


def test_losses_and_accuracies_are_means_over_all_samples() -> None:
    uneven = [(X[:30], LABELS[:30]), (X[30:], LABELS[30:])]
    model, history = fit(uneven, lr=1e-30, epochs=1)
    scores = model(X)
    assert history.last.loss == pytest.approx(ops.softmax_cross_entropy(scores, LABELS).item())
    assert history.last.accuracy == np.mean(scores.data.argmax(axis=1) == LABELS)
    result = qnn.evaluate(model, uneven)
    assert result.loss == pytest.approx(history.last.loss, rel=1e-6)
    assert (result.accuracy, result.samples) == (history.last.accuracy, 40)


def test_one_step_is_gradient_descent() -> None:
    model, _ = fit(BATCHES[:1], epochs=1, lr=0.5)
    start = qnn.MLP([3, 2], seed=0)
    ops.softmax_cross_entropy(start(X[:10]), LABELS[:10]).backward()
    expected = start[0].weight.data - 0.5 * start[0].weight.grad.data
    np.testing.assert_allclose(model[0].weight.data, expected, rtol=1e-6)


def test_validation_is_measured_and_changes_nothing() -> None:
    plain, _ = fit()
    model, history = fit(validation=[(X, LABELS)])
    np.testing.assert_array_equal(model[0].weight.data, plain[0].weight.data)
    final = qnn.evaluate(model, [(X, LABELS)])
    assert (history.last.val_loss, history.last.val_accuracy) == (final.loss, final.accuracy)


def test_regression_has_no_accuracy() -> None:
    model = qnn.MLP([3, 1], seed=0)
    optimizer = qnn.optim.Adam(model.parameters(), lr=0.05)
    data = [(X, X.sum(axis=1, keepdims=True))]
    history = qnn.fit(model, data, epochs=200, optimizer=optimizer, loss=ops.mean_squared_error)
    assert history.last.accuracy is None
    assert history.last.loss < 0.01


# Refusals

NAN = X.copy()
NAN[7, 2] = np.nan


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (
            [BATCHES[0], (NAN, LABELS)],
            NonFiniteError,
            r"epoch 1: batch 1 holds nan at index \(7, 2\)",
        ),
        ([(X, LABELS + 1)], ValueError, "label 2 at position"),
        ([(X, LABELS - 1)], ValueError, "label -1 at position"),
        ([], ShapeError, "no batch: they are empty"),
        (iter(BATCHES), ShapeError, "epoch 2: the data gave no batch.*used up"),
        ([(X[:0], LABELS[:0])], ShapeError, "at least one"),
        ([(X, LABELS[:5])], ShapeError, r"\(40, 3\) and targets of shape \(5,\)"),
        ([(X[:1], 1)], ShapeError, r"targets of shape \(\)"),
        ([(np.float32([[np.inf, -np.inf, 0]]), LABELS[:1])], NonFiniteError, "batch 0 holds inf"),
        ([(X[:, :2], LABELS)], ShapeError, r"\(40, 2\)"),
    ],
)
def test_bad_data(data: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        fit(data)


def test_great_but_finite_data_are_taken() -> None:
    model = qnn.MLP([2, 2], seed=0)
    model[0].weight.data[:] = 0
    assert qnn.evaluate(model, [(np.full((2, 2), 3e38), [0, 1])]).samples == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"epochs": 1.5}, "epochs"),
        ({"patience": 0}, "patience"),
        ({"keep": "all"}, "keep"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"fit: {message} must be"):
        fit(**options)


def test_a_parameter_without_a_gradient_is_named() -> None:
    model, unused = qnn.MLP([3, 2], seed=0), Parameter([1.0])
    optimizer = qnn.optim.SGD([*model.named_parameters(), ("unused", unused)], lr=1.0)
    before = model.state_dict()
    with pytest.raises(GraphError, match=r"unused of shape \(1,\) has no gradient"):
        qnn.fit(model, BATCHES, epochs=1, optimizer=optimizer)
    assert all(np.array_equal(before[n], a) for n, a in model.state_dict().items())


def spoiled(after: int) -> Any:
    """A loss that becomes NaN at a step."""
    calls = []

    def loss(scores: Tensor, labels: Any) -> Tensor:
        calls.append(1)
        value = ops.softmax_cross_entropy(scores, labels)
        return value * np.nan if len(calls) > after else value

    return loss


def test_a_loss_that_is_nan_says_where_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.qnn"
    with pytest.raises(NonFiniteError) as caught:
        fit(loss=spoiled(after=6), checkpoint=path)
    assert "epoch 2, batch 2 (step 6 of the run): the loss is nan" in str(caught.value)
    assert str(path) in str(caught.value)
    saved = Checkpoint.load(path)
    assert len(saved.history.epochs) == 1
    assert all(np.all(np.isfinite(a)) for a in saved.model.values())


def test_no_checkpoint_is_promised_where_there_is_none() -> None:
    with pytest.raises(NonFiniteError) as caught:
        fit(loss=spoiled(after=0))
    assert "last good" not in str(caught.value)


def test_a_checkpoint_that_cannot_be_written_shows_at_once(tmp_path: Path) -> None:
    batches = iter(())  # reading it would be another error
    with pytest.raises(FileNotFoundError):
        fit(batches, checkpoint=tmp_path / "nowhere" / "run.qnn")


def test_an_interrupted_first_epoch_is_resumed_from_its_start(tmp_path: Path) -> None:
    def run(path: Path | None, interrupt: int | None) -> dict[str, Any]:
        model = qnn.MLP([3, 4, 3], weight="symmetric:2", dropout=0.5, seed=0)
        optimizer = qnn.optim.Adam(model.parameters(), lr=0.1)
        calls = iter(range(10**6))

        def loss(scores: Tensor, labels: Any) -> Tensor:
            if next(calls) == interrupt:
                raise KeyboardInterrupt
            return ops.softmax_cross_entropy(scores, labels)

        data = [(np.eye(3), np.arange(3))] * 4
        options = {"epochs": 2, "optimizer": optimizer, "loss": loss, "checkpoint": path}
        if interrupt is not None:
            with pytest.raises(KeyboardInterrupt):
                qnn.fit(model, data, **options)
        qnn.fit(model, data, resume=path is not None, **options)
        return model.state_dict()

    uninterrupted = run(None, None)
    resumed = run(tmp_path / "run.qnn", 2)
    assert all(np.array_equal(resumed[name], array) for name, array in uninterrupted.items())


def test_a_gradient_that_is_nan_never_reaches_a_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.qnn"

    def loss(scores: Tensor, labels: Any) -> Tensor:
        # Finite, with a derivative of inf * 0.
        return ops.sqrt((scores * 0).sum())

    with np.errstate(all="ignore"), pytest.raises(NonFiniteError):
        fit(BATCHES[:1], loss=loss, checkpoint=path)
    saved = Checkpoint.load(path)
    assert saved.history.epochs == []
    assert all(np.all(np.isfinite(array)) for array in saved.model.values())


# Stopping and keeping


def scripted(accuracies: list[float]) -> Any:
    """Validation data on which the accuracy of successive epochs is given."""

    class Script:
        def __init__(self) -> None:
            self.rest = iter(accuracies)

        def __iter__(self) -> Any:
            right = round(next(self.rest) * 10)
            # The label is where the model, whatever its weights, cannot or must score highest.
            yield np.zeros((10, 3)), np.array([0] * right + [1] * (10 - right))

    return Script()


def constant_model() -> qnn.Module:
    class Constant(qnn.Module):
        def __init__(self) -> None:
            self.step = Parameter([0.0])

        def forward(self, x: Tensor) -> Tensor:
            return x[:, :2] * 0 + self.step * 0 + np.float32([1, 0])

    return Constant()


def follow(accuracies: list[float], **options: Any) -> tuple[Any, History, list[Any]]:
    model, states = constant_model(), []

    def count(_: Epoch) -> None:
        states.append(model.step.item())
        model.step.data += 1  # a trace of how many epochs the model has seen

    optimizer = qnn.optim.SGD(model.parameters(), lr=1.0)
    history = qnn.fit(
        model,
        [(X[:4], LABELS[:4])],
        epochs=len(accuracies),
        optimizer=optimizer,
        validation=scripted(accuracies),
        on_epoch=count,
        **options,
    )
    return model, history, states


@pytest.mark.parametrize(
    ("accuracies", "patience", "epochs"),
    [
        ([0.1, 0.2, 0.2, 0.1, 0.9], 2, 4),
        ([0.1, 0.2, 0.2, 0.1, 0.9], 3, 5),
        ([0.5, 0.4, 0.3], 1, 2),
        ([0.1, 0.2, 0.3], 1, 3),
        ([0.5, 0.4, 0.3], None, 3),
    ],
)
def test_patience(accuracies: list[float], patience: int | None, epochs: int) -> None:
    _, history, _ = follow(accuracies, patience=patience)
    assert [e.val_accuracy for e in history.epochs] == accuracies[:epochs]


@pytest.mark.parametrize(("keep", "steps"), [("best", 1), ("last", 4)])
def test_keep(keep: Any, steps: int) -> None:
    # The second epoch is best, and its twin later does not replace it.
    model, history, _ = follow([0.1, 0.6, 0.6, 0.2], keep=keep)
    assert history.best_epoch == 2
    assert model.step.item() == steps


def test_history_round_trip() -> None:
    _, history = fit()
    assert History.from_list(history.to_list()) == history
    assert [e.epoch for e in history.epochs] == [1, 2, 3]
    assert all(e.seconds > 0 and e.samples_per_second > 0 for e in history.epochs)


def test_the_learning_rate_of_the_last_step_is_recorded() -> None:
    model = qnn.MLP([3, 2], seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), 1.0, schedule=qnn.optim.Step(every=4, factor=0.5))
    history = qnn.fit(model, BATCHES, epochs=3, optimizer=optimizer)
    assert [e.lr for e in history.epochs] == [1.0, 0.5, 0.25]


def test_gradients_are_clipped() -> None:
    start = qnn.MLP([3, 2], seed=0).state_dict()
    model, _ = fit(epochs=1, data=BATCHES[:1], lr=1.0, clip_norm=1e-3)
    moved = sum(np.sum((a - start[n]) ** 2) for n, a in model.state_dict().items())
    assert np.sqrt(moved) == pytest.approx(1e-3, rel=1e-2)


# Evaluation


def test_evaluation_restores_every_mode() -> None:
    model = qnn.MLP([3, 4, 2], dropout=0.5, seed=0)
    model[2].eval()
    before = [m.training for _, m in model.named_modules()]
    qnn.evaluate(model, BATCHES)
    with pytest.raises(ShapeError):
        qnn.evaluate(model, [])
    assert [m.training for _, m in model.named_modules()] == before


# On a terminal, and interrupted

PROGRAM = Path(__file__).with_name("train_to_the_end.py")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_bar_on_a_terminal(tmp_path: Path) -> None:
    import pty  # noqa: PLC0415 - not on Windows
    import termios  # noqa: PLC0415 - not on Windows

    program = """
import time, numpy as np, qnn_core as qnn
class Slow(list):
    def __iter__(self):
        for batch in super().__iter__():
            time.sleep(0.05)
            yield batch
model = qnn.MLP([3, 2], seed=0)
data = Slow([(np.eye(3), np.array([0, 1, 0]))] * 10)
qnn.fit(model, data, epochs=4, optimizer=qnn.optim.SGD(model.parameters(), lr=0.1))
"""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 160))
    process = subprocess.Popen([sys.executable, "-c", program], stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    text = shown.decode()
    assert process.wait() == 0, text
    assert re.search(r"epoch [1-4]/4", text)
    assert re.search(r"loss \d\.\d{4}", text)
    assert re.search(r"accuracy \d+\.\d\d%", text)
    assert re.search(r"\d\d:\d\d<\d\d:\d\d", text)  # elapsed < left
    assert re.search(r"[\d.,]+ \w+/s", text)


def test_no_bar_where_there_is_no_terminal(capfd: pytest.CaptureFixture) -> None:
    fit()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_ctrl_c_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.qnn"
    process = subprocess.Popen(
        [sys.executable, PROGRAM, path, tmp_path / "run.npz"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.stdout.readline() != "2\n":
        pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert len(Checkpoint.load(path).history.epochs) >= 2
    assert [p.name for p in tmp_path.iterdir()] == ["run.qnn"]


@pytest.mark.parametrize("data", [[np.eye(2)], np.eye(2), [np.eye(2), np.eye(2)]])
def test_data_that_are_no_batches(data: Any) -> None:
    model = qnn.MLP([2, 2], seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ShapeError, match=r"batches of \(inputs, targets\) are needed"):
        qnn.fit(model, data, epochs=1, optimizer=optimizer)


def test_an_optimizer_is_no_name() -> None:
    optimizer: Any = "adam"
    with pytest.raises(TypeError, match=r"an optimizer is needed, such as .* got 'adam'"):
        qnn.fit(qnn.MLP([2, 2]), [(np.eye(2), [0, 1])], epochs=1, optimizer=optimizer)


@pytest.mark.parametrize("log_scale", [-200, 200])
def test_a_scale_that_was_trained_away_is_named(log_scale: float) -> None:
    model = qnn.MLP([2, 3, 2], weight="symmetric:2", input="uniform:2", seed=0)
    layer: Any = model.layers[0]
    layer.weight_quantizer.log_scale.data[...] = log_scale
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(NonFiniteError, match=r"scale of layers\.0\.weight_quantizer \(Symmetric"):
        qnn.fit(model, [(np.eye(2), np.array([0, 1]))], epochs=1, optimizer=optimizer)


# Ended by an error or by Ctrl-C


class Stop(Exception):
    """Raised by the data of a test."""


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("place", ["data", "loss", "on_epoch", "validation"])
@pytest.mark.parametrize("keep", ["best", "last"])
def test_whatever_ends_it_the_model_can_be_used(
    error: type, place: str, keep: Any, tmp_path: Path
) -> None:
    """The second epoch is best, and something is raised in or after the third."""
    model, states, path = constant_model(), [], tmp_path / "run.qnn"
    rest = iter([0.1, 0.6, 0.2])

    def stop_in(where: str) -> None:
        if where == place and len(states) == (3 if where == "on_epoch" else 2):
            raise error

    class Data(list):
        def __iter__(self) -> Any:
            yield from super().__iter__()
            stop_in("data")

    class Held:
        def __iter__(self) -> Any:
            stop_in("validation")
            right = round(next(rest) * 10)
            yield np.zeros((10, 3)), np.array([0] * right + [1] * (10 - right))

    def loss(scores: Tensor, labels: Any) -> Tensor:
        stop_in("loss")
        return ops.softmax_cross_entropy(scores, labels)

    def on_epoch(_: Epoch) -> None:
        states.append(model.step.item())
        model.step.data += 1
        stop_in("on_epoch")

    with pytest.raises(error) as caught:
        qnn.fit(
            model,
            Data([(X[:4], LABELS[:4])]),
            epochs=9,
            optimizer=qnn.optim.SGD(model.parameters(), lr=1.0),
            loss=loss,
            validation=Held(),
            keep=keep,
            checkpoint=path,
            on_epoch=on_epoch,
        )
    done = 3 if place == "on_epoch" else 2
    assert not any(module.training for _, module in model.named_modules())
    assert model.step.item() == (1 if keep == "best" else done)
    history: History = caught.value.history
    assert [epoch.val_accuracy for epoch in history.epochs] == [0.1, 0.6, 0.2][:done]
    assert len(Checkpoint.load(path).history.epochs) == done


def test_an_error_in_the_first_epoch_keeps_what_was_reached() -> None:
    model = qnn.MLP([3, 2], seed=0)
    before = model.state_dict()
    with pytest.raises(NonFiniteError) as caught:
        qnn.fit(
            model,
            BATCHES,
            epochs=1,
            optimizer=qnn.optim.SGD(model.parameters(), lr=0.1),
            loss=spoiled(after=2),
            keep="best",
        )
    assert caught.value.history.epochs == []
    assert not model.training
    assert not np.array_equal(before["layers.0.weight"], model.state_dict()["layers.0.weight"])
