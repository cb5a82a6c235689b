"""Data that are written to between forward and backward: an error, or nothing that was read."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from op_examples import EXAMPLES, Example
from qnn_core import Parameter, Tensor, no_grad, ops
from qnn_core.autodiff import OPS
from qnn_core.errors import GraphError
from qnn_core.ops.linear import LinearProduct
from qnn_core.ops.quantized_product import quantized_product
from qnn_core.optim import SGD, Adam

CASES = [
    pytest.param(name, case, id=f"{name}-{number}")
    for name, cases in EXAMPLES.items()
    for number, case in enumerate(cases)
]


def of_quantizers() -> tuple[Tensor, list[Tensor]]:
    rng = np.random.default_rng(0)
    x, weight = (Parameter(rng.normal(size=shape)) for shape in ((5, 4), (3, 4)))
    all_qparams = [Parameter(value) for value in (0.4, 0.1, 0.5, 0.0)]
    two = qnn.get_quantizer("uniform:3"), qnn.get_quantizer("symmetric:3")
    bias = Parameter(np.zeros(3))
    y = quantized_product(
        (x, *all_qparams[:2]),
        (weight, *all_qparams[2:4]),
        bias,
        quantizers=two,
        product=LinearProduct(),
    )
    return y, [x, all_qparams[0], all_qparams[1], weight, all_qparams[2], all_qparams[3], bias]


def of_fake_quantize() -> tuple[Tensor, list[Tensor]]:
    x = Parameter(np.random.default_rng(0).normal(size=(5, 4)))
    qparams = [Parameter(0.4), Parameter(0.1)]
    return ops.fake_quantize(x, *qparams, quantizer="symmetric:3"), [x, *qparams]


def of_example(name: str, case: Example) -> Callable[[], tuple[Tensor, list[Tensor]]]:
    def run() -> tuple[Tensor, list[Tensor]]:
        tensors = [Tensor(np.array(x), np.float64, requires_grad=True) for x in case.inputs]
        return OPS[name](*tensors, **case.attributes), tensors

    return run


def check_reads(name: str, run: Callable[[], tuple[Tensor, list[Tensor]]]) -> None:
    """What is declared as read is refused after a write; what is not has no part in a gradient."""
    reads = OPS[name].reads
    count = len(run()[1])
    for target in range(count):
        y, inputs = run()
        seed = np.cos(np.arange(y.size)).reshape(y.shape)
        (expected,) = qnn.grad(y, inputs[target], seed)
        for written in range(-1, count):
            y, inputs = run()
            changed = y if written < 0 else inputs[written]
            if changed.size == 0 or not changed.data.flags.writeable:
                continue
            before = y.data.copy()
            changed.data[...] = changed.data * 0.5 + 0.25
            if np.array_equal(changed.data, before):
                continue
            bits = -1 if reads is None else reads[target] if target < len(reads) else 0
            if bits >> written + 1 & 1:
                with pytest.raises(GraphError, match=f"{name}: its (output|input {written}), of"):
                    qnn.grad(y, inputs[target], seed)
            else:
                (found,) = qnn.grad(y, inputs[target], seed)
                np.testing.assert_array_equal(found.data, expected.data)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_each_operation_declares_what_its_derivative_reads(name: str, case: Example) -> None:
    check_reads(name, of_example(name, case))


def test_quantizers_declare_it_too() -> None:
    check_reads("fake_quantize", of_fake_quantize)
    check_reads("quantized_product", of_quantizers)


# Kinds of writers


def through_data(b: Parameter) -> None:
    b.data[0] += 1


def another_array(b: Parameter) -> None:
    b.data = b.data + 1


def of_a_list(b: Parameter) -> None:
    b.data = [5.0, 5.0]  # type: ignore[assignment] # what a setter takes


def sgd_step(b: Parameter) -> None:
    b.grad = Tensor([1.0, 1.0])
    SGD([b], lr=0.1).step()


def adam_step(b: Parameter) -> None:
    b.grad = Tensor([1.0, 1.0])
    Adam([b], lr=0.1).step()


def through_a_view(b: Parameter) -> None:
    b.reshape(2, 1).data[0, 0] = 7


def through_what_was_detached(b: Parameter) -> None:
    b.detach().data[1] = 7


def through_numpy(b: Parameter) -> None:
    with no_grad():
        np.multiply(b, 2, out=b)


def through_a_method(b: Parameter) -> None:
    with no_grad():
        np.copyto(b, 3)  # type: ignore[call-overload] # on a tensor


WRITERS = [
    through_data,
    another_array,
    of_a_list,
    sgd_step,
    adam_step,
    through_a_view,
    through_what_was_detached,
    through_numpy,
    through_a_method,
]


@pytest.mark.parametrize("write", WRITERS)
def test_writers(write: Callable[[Parameter], None]) -> None:
    a, b = Parameter([1.0, 2.0]), Parameter([3.0, 4.0])
    y = (a * b).sum()
    write(b)
    with pytest.raises(GraphError, match=r"multiply: its input 1, of shape \(2,\), was written to"):
        y.backward()


def test_the_example_of_a_step_between_two_passes() -> None:
    a, b = Parameter([1.0]), Parameter([2.0])
    y = (a * b).sum()
    y.backward(retain_graph=True)
    SGD([b], lr=0.1).step()
    with pytest.raises(GraphError, match="multiply"):
        y.backward()


def test_an_array_that_was_taken_out_before() -> None:
    a, b = Parameter([1.0]), Parameter([2.0])
    held = b.data
    for _ in range(2):
        a.grad = b.grad = None
        y = (a * b).sum()
        y.backward()
        held[0] += 1
    y = (a * b).sum()
    held[0] = 0
    with pytest.raises(GraphError, match="multiply"):
        y.backward()


def test_load_state_dict_and_astype() -> None:
    for write in (
        lambda model: model.load_state_dict(model.state_dict()),
        lambda model: model.astype(np.float64),
    ):
        model = qnn.MLP([3, 4, 2], seed=0)
        y = model(np.ones((2, 3))).sum()
        write(model)
        with pytest.raises(GraphError, match="linear"):
            y.backward()


def test_running_statistics_that_move_after_an_evaluation() -> None:
    layer = qnn.nn.BatchNorm(2)
    x = Tensor(np.random.default_rng(0).normal(size=(4, 2)), requires_grad=True)
    y = layer.eval()(x).sum()
    layer.train()(x)
    with pytest.raises(GraphError, match=r"batch_norm: its input [34]"):
        y.backward()


def test_calibration_between_forward_and_backward() -> None:
    # The operation keeps the qparams that it used: the gradient is that of its own values.
    x = np.linspace(-1, 1, 12).reshape(4, 3).astype(np.float32)
    for spec in ("symmetric:3,scale=calibrated", "symmetric:3,scale=learned"):
        found = []
        for disturbed in (False, True):
            layer = qnn.nn.QuantLinear(3, 2, weight=spec, input=spec, seed=0)
            y = layer(x).sum()
            if disturbed:
                layer.input_quantizer.observe(x * 9)
            y.backward()
            found.append(layer.weight.grad.data)
        np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("make", [np.asarray, qnn.Tensor], ids=["array", "tensor"])
def test_parameters_that_are_made_of_arrays(make: Any) -> None:
    a, given = Parameter([1.0, 2.0]), make(np.ones(2, np.float32))
    for write in (
        lambda b: b.data.__setitem__(..., 5),
        lambda b: np.copyto(b.data, 5),
        lambda b: b.data.__iadd__(1),
    ):
        b = Parameter(given)
        y = (a * b).sum()
        write(b)
        with pytest.raises(GraphError, match="multiply: its input 1"):
            y.backward()
    assert Parameter(given).memory is None


def test_the_output_that_a_derivative_reads() -> None:
    x = Parameter([1.0, 2.0])
    y = ops.exp(x)
    y.data[0] = 0
    with pytest.raises(GraphError, match="exp: its output"):
        y.sum().backward()


# What must stay free of alarms


def test_training_loops() -> None:
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(8, 5)).astype(np.float32), rng.integers(0, 3, 8)
    model = qnn.MLP([5, 6, 3], weight="symmetric:4", input="uniform:4", batch_norm=True, seed=0)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    average = [p.data.copy() for p in model.parameters()]
    for step in range(4):
        optimizer.zero_grad()
        for _ in range(2):  # accumulated gradients
            ops.softmax_cross_entropy(model(x), labels).backward()
        optimizer.step()
        for kept, p in zip(average, model.parameters(), strict=True):
            np.add(0.9 * kept, 0.1 * p.data, out=kept)
        for p in model.parameters():
            p.data -= np.float32(0.01) * p.grad.data
        if step == 2:
            model.load_state_dict(model.state_dict())
        x *= np.float32(0.5)  # a loader's buffer is filled anew
    assert all(np.all(np.isfinite(p.data)) for p in model.parameters())
    assert optimizer.steps == 4


def test_penalties_on_gradients() -> None:
    w, x = Parameter([0.5, -1.0]), Tensor([1.0, 2.0], requires_grad=True)
    optimizer = SGD([w], lr=0.1)
    for _ in range(3):
        w.grad = x.grad = None
        loss = ops.tanh((w * x).sum()) ** 2
        (slope,) = qnn.grad(loss, x, create_graph=True)
        (loss + (slope * slope).sum()).backward()
        optimizer.step()
    assert np.all(np.isfinite(w.data))
    assert np.all(w.data != [0.5, -1.0])


def test_what_the_derivative_does_not_read() -> None:
    a, b = Parameter([1.0]), Parameter([2.0])
    y = (a + b).sum()
    b.data[...] = 9
    y.backward()
    x = Tensor([3.0])
    z = (x * a).sum()
    a.data[...] = 5  # the gradient of a is x
    a.grad = None
    z.backward()
    assert a.grad.data.tolist() == [3]


def test_nobody_looks_again_at_an_array_that_nobody_holds() -> None:
    a, b = Parameter([1.0]), Parameter([2.0])
    b.data.sum()
    (a * b).sum().backward()
    assert not b.memory.exposed
    held = b.data
    (a * b).sum().backward()
    assert b.memory.exposed
    del held


def test_a_write_through_numpy_of_what_shares_memory() -> None:
    a, b = Parameter([1.0, 2.0]), Parameter([3.0, 4.0])
    view = np.atleast_3d(b.detach())
    y = (a * b).sum()
    view[0, 0] = 9
    with pytest.raises(GraphError, match="multiply"):
        y.backward()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_element_counts(order: Any, dtype: Any) -> None:
    a, b = Parameter(np.ones((7, 9)), dtype), Parameter(np.ones((7, 9)), dtype)
    b.data = np.array(b.data, order=order)[:, ::1]
    for n in range(b.size):
        y = (a * b).sum()
        b.data[n // 9, n % 9] += 1
        with pytest.raises(GraphError, match="multiply"):
            y.backward()
