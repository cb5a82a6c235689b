"""Distillation: the loss of its paper, its gradients, and what a loss of one's own may see."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor
from qnn_core.errors import ShapeError, SpecError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 5)).astype(np.float32)
Y = RNG.integers(0, 4, 30)


def nets() -> tuple[Any, Any]:
    return qnn.MLP([5, 16, 4], dropout=0.5, seed=1), qnn.MLP([5, 4], weight="symmetric:2", seed=0)


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("temperature", "weight"), [(1.0, 0.5), (4.0, 0.9), (2.0, 1.0), (3.0, 0)])
def test_it_is_the_loss_of_the_paper(temperature: float, weight: float) -> None:
    teacher, net = nets()
    loss = qnn.Distillation(teacher, temperature=temperature, weight=weight)
    outputs = net(X)
    theirs = teacher.eval()(X).array.astype(np.float64)
    p = softmax(theirs / temperature)
    q = softmax(outputs.array.astype(np.float64) / temperature)
    divergence = float(np.mean(np.sum(p * np.log(p / q), axis=1)))
    hard = qnn.ops.softmax_cross_entropy(outputs, Y).item()
    expected = (1 - weight) * hard + weight * temperature**2 * divergence
    assert loss(outputs, Y, inputs=X).item() == pytest.approx(expected, rel=1e-5)
    # The gradient of the second part in the outputs: T * (q - p) / n.
    total = loss(outputs, Y, inputs=X)
    (found,) = qnn.grad(total, [outputs], retain_graph=True)
    (of_hard,) = qnn.grad(qnn.ops.softmax_cross_entropy(outputs, Y), [outputs])
    wanted = (1 - weight) * of_hard.array + weight * temperature * (q - p) / len(X)
    assert np.allclose(found.array, wanted, atol=1e-6)


def test_sample_weights_count() -> None:
    teacher, net = nets()
    loss, weights = qnn.Distillation(teacher), np.r_[np.ones(10), np.zeros(20)]
    some = loss(net(X), Y, inputs=X, sample_weight=weights).item()
    assert some == pytest.approx(loss(net(X[:10]), Y[:10], inputs=X[:10]).item(), rel=1e-5)


def test_fit_and_evaluate_give_it_the_inputs_and_know_the_metric() -> None:
    teacher, net = nets()
    optimizer = qnn.optim.Adam(net.parameters(), lr=0.1)
    before = teacher.state_dict()
    loss = qnn.Distillation(teacher, weight=1.0)
    history = qnn.fit(net, (X, Y), epochs=20, optimizer=optimizer, loss=loss, validation=(X, Y))
    assert history.epochs[-1].loss < history.epochs[0].loss
    assert history.last.metric_name == "accuracy"
    assert qnn.evaluate(net, (X, Y), loss=loss).loss == pytest.approx(history.last.val_loss)
    after = teacher.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert not teacher.training


def test_a_loss_of_ones_own_may_see_inputs_and_the_teachers_outputs() -> None:
    teacher, net = nets()
    seen: list[Any] = []

    def distance(outputs: Tensor, targets: Any, teacher: Tensor) -> Tensor:
        seen.append((outputs.shape, len(targets), teacher.shape))
        return qnn.ops.mean_squared_error(outputs, teacher)

    def of_inputs(outputs: Tensor, targets: Any, inputs: Any) -> Tensor:
        seen.append(inputs.shape)
        return qnn.ops.softmax_cross_entropy(outputs, targets)

    assert qnn.evaluate(net, (X, Y), loss=qnn.Distillation(teacher, loss=distance)).loss > 0
    qnn.evaluate(net, (X, Y), loss=of_inputs)
    assert seen == [((30, 4), 30, (30, 4)), (30, 5)]


def test_what_is_none_is_refused() -> None:
    teacher, net = nets()
    with pytest.raises(SpecError, match="the teacher must be a module"):
        qnn.Distillation(teacher.state_dict())
    with pytest.raises(ValueError, match="temperature must be"):
        qnn.Distillation(teacher, temperature=0)
    with pytest.raises(ValueError, match="weight must be"):
        qnn.Distillation(teacher, weight=1.5)
    other = qnn.MLP([5, 3], seed=0)
    with pytest.raises(ShapeError, match=r"teacher gives outputs of shape \(30, 3\)"):
        qnn.evaluate(net, (X, Y), loss=qnn.Distillation(other))


def test_of_one_column_it_is_a_sigmoid() -> None:
    teacher, net = qnn.MLP([5, 8, 1], seed=1), qnn.MLP([5, 1], seed=0)
    yes = (Y > 1).astype(np.float32)[:, None]
    bce = qnn.ops.binary_cross_entropy_with_logits
    loss = qnn.Distillation(teacher, temperature=2.0, weight=1.0, loss=bce)
    outputs = net(X)
    p = 1 / (1 + np.exp(-teacher.eval()(X).array.astype(np.float64) / 2))
    q = 1 / (1 + np.exp(-outputs.array.astype(np.float64) / 2))
    divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    assert loss(outputs, yes, inputs=X).item() == pytest.approx(4 * divergence.mean(), rel=1e-4)
    with pytest.raises(ShapeError, match="have no classes"):
        qnn.evaluate(net, (X, np.zeros(30, int)), loss=qnn.Distillation(teacher), metric=None)


def test_of_a_distance_it_is_the_distance_to_the_teacher() -> None:
    teacher, net = qnn.MLP([5, 8, 2], seed=1), qnn.MLP([5, 2], seed=0)
    mae = qnn.ops.mean_absolute_error
    loss = qnn.Distillation(teacher, weight=0.25, loss=mae)
    outputs, targets = net(X), np.zeros((30, 2), np.float32)
    soft = np.mean((outputs.array - teacher.eval()(X).array) ** 2)
    wanted = 0.75 * mae(outputs, targets).item() + 0.25 * soft
    assert loss(outputs, targets, inputs=X).item() == pytest.approx(float(wanted), rel=1e-5)


def test_a_loss_that_sees_inputs_sees_them_beside_a_teacher() -> None:
    teacher, net = nets()

    def of_inputs(outputs: Tensor, targets: Any, inputs: Any) -> Tensor:
        assert inputs.shape == (30, 5)
        return qnn.ops.softmax_cross_entropy(outputs, targets)

    assert qnn.evaluate(net, (X, Y), loss=qnn.Distillation(teacher, loss=of_inputs)).loss > 0
