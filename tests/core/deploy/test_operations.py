"""What operations say of themselves, and packed graphs believe: laws over all that say it."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args

import numpy as np
import pytest
import qnn_core as qnn
from op_examples import EXAMPLES, Example
from qnn_core import Tensor
from qnn_core.autodiff import OPS, Op
from qnn_core.autodiff.packed import Kind
from qnn_core.autodiff.table import BUILT_IN, UFUNCS
from qnn_core.deploy.graph.attributes import VALID, symbolic
from qnn_core.deploy.graph.operations import OPERATIONS, Operation
from qnn_core.errors import GraphError
from qnn_core.gemm import elementwise

Array = np.ndarray

# What the engine's steps mean, of which the last two are its own.
LINKS: dict[str, Callable[[Array, Any], Array]] = {
    "add": lambda x, c: x + c,
    "subtract": lambda x, c: x - c,
    "subtract_from": lambda x, c: c - x,
    "multiply": lambda x, c: x * c,
    "divide": lambda x, c: x / c,
    "divide_into": lambda x, c: c / x,
    "maximum": lambda x, c: np.where(x <= c, c, x),
    "minimum": lambda x, c: np.where(x >= c, c, x),
    "sigmoid": lambda x, _: elementwise.sigmoid(x),
    "tanh": lambda x, _: elementwise.tanh(x),
}
ATTRIBUTES = {"clip": {"low": -0.5, "high": 0.75}}
TAPE = {name: OPS[name] for name in sorted(BUILT_IN) if OPS[name].packed is not None}
LINKED = sorted(name for name, operation in OPERATIONS.items() if operation.links is not None)


def examples(chosen: Callable[[Op], bool]) -> list[Any]:
    return [
        pytest.param(op, example, id=f"{name}-{number}")
        for name, op in TAPE.items()
        if chosen(op)
        for number, example in enumerate(EXAMPLES[name])
    ]


def floats(example: Example) -> list[Array]:
    return [np.asarray(x, np.float32) for x in example.inputs]


def stored(example: Example) -> dict[str, Any] | None:
    """The attributes as a graph holds them; None for masks of several axes, which it does not."""
    try:
        return {name: symbolic(value, value, 3) for name, value in example.attributes.items()}
    except GraphError:
        assert np.ndim(example.attributes["index"]) > 1
        return None


@pytest.mark.parametrize("name", TAPE)
def test_each_attribute_of_forward_has_a_kind(name: str) -> None:
    op = TAPE[name]
    assert op.packed is not None
    if isinstance(op.forward, np.ufunc):
        assert not op.packed.attributes
        return
    parameters = inspect.signature(op.forward).parameters.values()
    named = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY} - {"quantized"}
    assert named == op.packed.attributes.keys()


def test_each_kind_can_be_checked() -> None:
    assert VALID.keys() == set(get_args(Kind))


@pytest.mark.parametrize(("op", "example"), examples(lambda op: True))
def test_a_file_may_say_what_a_model_does(op: Op, example: Example) -> None:
    operation = OPERATIONS[op.name]
    assert len(example.inputs) in operation.arity
    for name, value in (stored(example) or {}).items():
        assert VALID[operation.attributes[name]](value)
        assert not VALID[operation.attributes[name]]("no such thing")


@pytest.mark.parametrize(("op", "example"), examples(lambda op: True))
def test_the_shape_rule_of_a_file_is_that_of_the_operation(op: Op, example: Example) -> None:
    attributes = stored(example)
    if attributes is None:
        return
    output = op(*floats(example), **attributes)
    shapes = [x.shape for x in example.inputs]
    assert OPERATIONS[op.name].shape(*shapes, **attributes) == output.shape


def linked(operation: Operation, rng: np.random.Generator) -> Iterator[tuple[Array, int, list]]:
    """A value, its place among the inputs, and the others: of one element, or for each column."""
    others = operation.arity[0] - 1
    x = np.sort(rng.normal(size=(41, 5)).astype(np.float32), axis=0)
    for position in range(others + 1):
        for columns in (1, 5) if others < 2 else (5,):
            yield x, position, [rng.normal(size=columns).astype(np.float32) for _ in range(others)]


@pytest.mark.parametrize("name", LINKED)
def test_links_are_the_operation_to_the_bit(name: str) -> None:
    operation, attributes = OPERATIONS[name], ATTRIBUTES.get(name, {})
    assert operation.links is not None
    assert operation.forward is not None
    tried = 0
    for x, position, constants in linked(operation, np.random.default_rng(1)):
        links = operation.links(position == 0, *constants, **attributes)
        if links is None:
            assert position > 0
            continue
        y = x
        for link, constant in links:
            y = LINKS[link](y, constant)
        given = [*constants[:position], x, *constants[position:]]
        expected = operation.forward(*given, **attributes)
        np.testing.assert_array_equal(y, expected)
        if all(link != "divide_into" for link, _ in links):
            steps = np.diff(expected, axis=0)
            assert np.all(np.all(steps >= 0, axis=0) | np.all(steps <= 0, axis=0))
        tried += 1
    assert tried


PASSING = examples(lambda op: op.packed.beside_quantizer == "passes")
FOLLOWING = [op for op in TAPE.values() if op.packed.beside_quantizer == "follows"]


@pytest.mark.parametrize(("op", "example"), PASSING)
@pytest.mark.parametrize("spec", ["binary", "uniform:3", "symmetric:2"])
def test_a_quantizer_gives_the_same_codes_before_and_after(
    op: Op, example: Example, spec: str
) -> None:
    (x,) = floats(example)
    quantizer = qnn.get_quantizer(spec)
    after = qnn.ops.fake_quantize(op(x, **example.attributes), 0.3, quantizer=quantizer)
    before = op(qnn.ops.fake_quantize(x, 0.3, quantizer=quantizer), **example.attributes)
    assert before.quantized is not None
    np.testing.assert_array_equal(before.quantized.codes, after.quantized.codes)
    np.testing.assert_array_equal(before.data, after.data)


@pytest.mark.parametrize(("op", "example"), PASSING)
def test_what_follows_a_quantizer_commutes_with_what_it_passes(op: Op, example: Example) -> None:
    (x,) = floats(example)
    assert FOLLOWING
    for other in FOLLOWING:
        one = op(other(x), **example.attributes)
        np.testing.assert_array_equal(one.data, other(op(x, **example.attributes)).data)


def by_sample(op: Op) -> bool:
    assert op.packed is not None
    return op.packed.batch_invariant and op.packed.attributes.keys().isdisjoint(
        {"axis", "axes", "shape", "index"}
    )


@pytest.mark.parametrize(("op", "example"), examples(by_sample))
def test_a_sample_has_the_same_bits_in_any_company(op: Op, example: Example) -> None:
    rng = np.random.default_rng(2)
    x, *others = floats(example)
    if x.ndim < 2:
        return  # it has no samples
    x = np.abs(rng.normal(size=(67, *x.shape[1:]))).astype(np.float32)
    # What has as many axes has a batch, but for a weight.
    shared = [op.codes == "reads" or other.ndim < x.ndim for other in others]
    others = [
        other if one else np.resize(other, (67, *other.shape[1:]))
        for other, one in zip(others, shared, strict=True)
    ]
    together = op(x, *others, **example.attributes).data
    for n in (0, 3, 66):
        own = [
            other if one else other[n : n + 1] for other, one in zip(others, shared, strict=True)
        ]
        alone = op(x[n : n + 1], *own, **example.attributes).data
        np.testing.assert_array_equal(alone, together[n : n + 1])


@pytest.mark.parametrize(("op", "example"), examples(lambda op: op.codes == "moves"))
def test_codes_move_as_values_do(op: Op, example: Example) -> None:
    (x,) = floats(example)
    coded = qnn.ops.fake_quantize(x, 0.3, quantizer="uniform:3")
    moved = op(coded, **example.attributes)
    assert moved.quantized is not None
    q = moved.quantized
    np.testing.assert_array_equal(q.levels[q.codes] * q.scale + q.shift, moved.data)
    assert OPERATIONS[op.name].moves


def test_what_is_prepacked_is_a_product() -> None:
    weighted = {name for name, operation in OPERATIONS.items() if operation.weighted}
    assert {"linear", "conv2d"} < weighted
    assert all(OPERATIONS[name].macs is not None for name in weighted)


def test_numpys_ufuncs_are_the_operations_that_say_so() -> None:
    said = {op.name: op.ufunc for op in map(OPS.get, BUILT_IN) if op.ufunc is not None}
    assert {"add", "exp", "matmul", "maximum", "tanh"} < said.keys()
    for name, ufunc in said.items():
        assert UFUNCS[ufunc.__name__] is OPS[name]
        given = [Tensor(np.full((2, 2), 0.5), requires_grad=True) for _ in range(ufunc.nin)]
        y = ufunc(*given)
        assert y.node.op is OPS[name]
        np.testing.assert_allclose(y.data, ufunc(*(x.data for x in given)), rtol=1e-6)


def test_what_batch_norm_becomes_is_what_it_is() -> None:
    rng = np.random.default_rng(3)
    weight, bias, mean = rng.normal(size=(3, 4)).astype(np.float32)
    variance = rng.uniform(0.1, 2, 4).astype(np.float32)
    folded = OPS["batch_norm"].packed.folded
    for shape in [(6, 4), (2, 3, 3, 4)]:
        x = rng.normal(size=shape).astype(np.float32)
        name, constants = folded(shape, weight, bias, mean, variance, eps=1e-5)
        expected = qnn.ops.batch_norm(x, weight, bias, mean, variance).data
        np.testing.assert_array_equal(OPERATIONS[name].forward(x, *constants.values()), expected)
