"""From a packed graph to a plan: what is integer becomes steps on integers, the rest is named."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ....errors import ExportError
from ....gemm import Window, integer_sum, joint_scale, operand_of
from ....gemm.operand import channels_of
from ....gemm.requantizer import cuts_of
from ....qtensor import QuantizedTensor, values_of
from ...compile.fuse import unfused
from ...graph import Graph, Node, Shape
from ...graph.attributes import resolved
from ...graph.interpret import encoded
from ...graph.operations import OPERATIONS, window_of
from ...graph.shapes import shapes_of
from ..plan import (
    Concatenate,
    Decide,
    Decision,
    Dequantize,
    Encode,
    FloatMap,
    FloatMean,
    FloatPair,
    FloatProduct,
    Gather,
    Integers,
    Join,
    MaxPool,
    Output,
    Plan,
    Product,
    Recode,
    Scale,
    Step,
    SumPool,
    Value,
)
from .decision import decide
from .expression import PAIRS, Expression, Source, extended, links_of, of_codes, of_sums
from .join import plane
from .moves import is_identity, moved_indices, strided
from .names import Names
from .operands import InputForm, input_form, turned_weights, weight_integers
from .pooled import with_pooling

Array = NDArray[Any]
Floats = Literal["never", "tail", "all"]

# What keeps the order of the scores that it is given.
KEEPS_ORDER = ("softmax", "log_softmax", "sigmoid")


def lower(
    graph: Graph, *, pixels: NDArray[np.float32] | None, floats: Floats = "never"
) -> Plan:
    """Return a packed graph as a plan.

    Args:
        graph: of one input.
        pixels: float32 ``[256]``, what each value of a uint8 input is in the model; None for an
            input of float32.
        floats: what may stay float: nothing, what lies behind the last sums, or all.

    Raises:
        ExportError: if something stays float that may not, or has no form in C; the message names
            every such layer, and what to do.
    """
    if len(graph.inputs) != 1:
        raise ExportError(f"export_c: one input is needed, the model has {len(graph.inputs)}")
    return _Lowering(unfused(graph), pixels, floats).plan()


@dataclass(frozen=True, eq=False)
class _Integers:
    """A product, or a sum of windows, whose sums nothing has asked for yet."""

    make: Callable[[], Value]
    source: Source
    scale: Scale


class _Lowering:
    """Turns nodes into steps, in order; floats are put off until it is clear what they are for."""

    def __init__(
        self, graph: Graph, pixels: NDArray[np.float32] | None, floats: Floats
    ) -> None:
        self.graph, self.floats = graph, floats
        self.shapes = {name: shape[1:] for name, shape in shapes_of(graph, 1).items()}
        self.nodes = {node.output: node for node in graph.nodes}
        self.uses = graph.uses()
        self.names = Names()
        self.steps: list[Step] = []
        self.pixels = pixels
        (given,) = graph.inputs
        kind: Any = "floats" if pixels is None else "pixels"
        self.input = Value("input", kind, given.shape, nbytes=4 if pixels is None else 1)
        # What is known of the values of the graph, by their names there.
        self.coded: dict[str, Value] = {}
        self.expressions: dict[str, Expression] = {}
        self.integers: dict[str, _Integers] = {}
        self.sums: dict[str, Value] = {}
        self.floating: dict[str, Value] = {}
        self.quantized: dict[tuple[int, str], Value] = {}
        self.left_float: dict[str, str] = {}
        if pixels is None:
            self.floating[given.name] = self.input
        self.given = given.name

    def plan(self) -> Plan:
        """Return the plan of all nodes."""
        for node in self.graph.nodes:
            self._add(node)
        outputs = tuple(self._output(name) for name in self.graph.outputs)
        if self.left_float and self.floats == "never":
            told = "; ".join(f"{where}: {why}" for where, why in self.left_float.items())
            raise ExportError(
                f"export_c: float='never', and these are float: {told}. Quantize them (see "
                "docs/exporting-c.md), or allow float='tail' (behind the last sums) or float='all'"
            )
        steps = with_pooling(self.steps, outputs)
        return Plan(self.input, tuple(steps), outputs, tuple(self.left_float.items()))

    # Nodes

    def _add(self, node: Node) -> None:
        name = node.output
        if node.op == "quantize":
            self.coded[name] = self._codes(node, node.inputs[0])
        elif node.op in ("linear", "conv2d"):
            self._product(node)
        elif node.op == "avg_pool2d" and node.inputs[0] in self.coded:
            self._mean(node)
        elif OPERATIONS[node.op].moves and node.inputs[0] in self.coded:
            self.coded[name] = self._moved(node, self.coded[node.inputs[0]])
        elif node.op == "concatenate" and all(n in self.coded for n in node.inputs):
            self._joined_codes(node)
        else:
            known = {n: e for n in node.inputs if (e := self._expression(n)) is not None}
            found = extended(node, known, self.graph.constants)
            if found is not None:
                self.expressions[name] = found

    def _expression(self, name: str) -> Expression | None:
        """Return what a value is as a function of integers, None if it is no such."""
        if name in self.coded and self.coded[name].coding is not None:
            coding = self.coded[name].coding
            assert coding is not None
            return of_codes(name, coding, self.shapes[name]) if self.shapes[name] else None
        return self.expressions.get(name)

    # Codes

    def _codes(self, quantizer: Node, name: str) -> Value:
        """Return the codes that a quantizer makes of a value."""
        key = id(quantizer.tables["thresholds"]), name
        if key not in self.quantized:
            self.quantized[key] = self._encoded(quantizer, name)
        return self.quantized[key]

    def _encoded(self, quantizer: Node, name: str) -> Value:
        per_tensor = quantizer.coding().per_tensor
        maker = self.nodes.get(name)
        if name == self.given:
            return self._of_input(quantizer)
        if maker is not None and per_tensor and name not in self.coded:
            if maker.op in ("reshape", "transpose", "getitem", "broadcast_to", "max_pool2d"):
                return self._moved(maker, self._codes(quantizer, maker.inputs[0]))
            if maker.op == "concatenate":
                parts = [self._codes(quantizer, part) for part in maker.inputs]
                return self._concatenated(maker, parts)
        expression = self._expression(name)
        made = None
        if expression is not None and per_tensor:
            made = self._decided(quantizer, expression, name)
        if made is None:
            made = self._of_floats(quantizer, name)
        return made

    def _of_input(self, quantizer: Node) -> Value:
        if self.pixels is None:
            return self._of_floats(quantizer, self.given)
        if not quantizer.coding().per_tensor:
            return self._recoded_channels(quantizer)
        table = encoded(self.pixels, quantizer)
        return replace(self.input, coding=quantizer.coding(), table=table)

    def _recoded_channels(self, quantizer: Node) -> Value:
        """A quantizer of the input with a scale for each channel: a table of pixels for each."""
        axis = quantizer.attributes["axis"]
        shape = self.shapes[self.given]
        assert self.pixels is not None
        if axis % (len(shape) + 1) != len(shape):
            return self._of_floats(quantizer, self.given)
        grid = np.broadcast_to(self.pixels[:, None], (256, shape[-1]))
        at = replace(quantizer, attributes={**quantizer.attributes, "axis": -1})
        tables = encoded(np.ascontiguousarray(grid), at).T
        target = self._value("codes", quantizer.output, shape)
        self._step(Recode, quantizer, (self.input,), target, tables=np.ascontiguousarray(tables))
        return target

    def _decided(self, quantizer: Node, expression: Expression, name: str) -> Value | None:
        if len(expression.sources) == 1:
            (source,) = expression.sources
            if source.is_codes:
                return self._recoded(quantizer, expression)
            decision = decide(expression, quantizer)
            if decision is None:
                return None
            return self._of_sums(quantizer, expression, decision)
        if len(expression.sources) == 2:
            return self._planed(quantizer, expression)
        return None

    def _recoded(self, quantizer: Node, expression: Expression) -> Value:
        (source,) = expression.sources
        value = self.coded[source.name]
        count = int(source.high.max()) + 1
        grid = np.broadcast_to(np.arange(count)[:, None], (count, expression.columns))
        tables = expression.codes(quantizer, [grid]).T
        if np.all(tables == tables[:1]):
            tables = tables[:1]
        if value.kind == "pixels":
            assert value.table is not None
            tables = tables[:, value.table]
            if len(tables) == 1:
                return replace(value, coding=quantizer.coding(), table=tables[0])
        target = self._value("codes", quantizer.output, value.shape, quantizer.coding())
        self._step(Recode, quantizer, (value,), target, tables=np.ascontiguousarray(tables))
        return target

    def _of_sums(self, quantizer: Node, expression: Expression, decision: Decision) -> Value:
        (source,) = expression.sources
        target = self._value("codes", quantizer.output, expression.shape, quantizer.coding())
        made = self.integers[source.name]
        if self._wanted(source.name) == 1:
            value = made.make()
            if self.steps and self.steps[-1].target is value:
                last = self.steps.pop()
                if isinstance(last, Product):
                    self.steps.append(_deciding(last, decision, target))
                    return target
                if isinstance(last, SumPool):
                    self.steps.append(replace(last, decision=decision, target=target))
                    return target
                self.steps.append(last)
        value = self._sum_value(source.name)
        self._step(Decide, quantizer, (value,), target, decision=decision)
        return target

    def _planed(self, quantizer: Node, expression: Expression) -> Value | None:
        found = plane(expression, quantizer)
        if found is None:
            return None
        sources = tuple(
            self._plain_codes(s.name) if s.is_codes else self._sum_value(s.name)
            for s in expression.sources
        )
        target = self._value("codes", quantizer.output, expression.shape, quantizer.coding())
        self._step(
            Join,
            quantizer,
            sources,
            target,
            multiplier=found.multiplier,
            factor=found.factor,
            offset=found.offset,
            offsets=None,
            shift=found.shift,
            top=found.top,
            wide=found.wide,
            checked=found.total,
            total=found.total,
        )
        return target

    def _plain_codes(self, name: str) -> Value:
        """Return a coded value as codes in memory: pixels are put through their table."""
        value = self.coded[name]
        if value.kind != "pixels":
            return value
        assert value.table is not None
        target = self._value("codes", name, value.shape, value.coding)
        node = self.nodes[name]
        self._step(Recode, node, (value,), target, tables=value.table[None])
        self.coded[name] = target
        return target

    def _moved(self, node: Node, value: Value) -> Value:
        """Return codes, or pixels that stand for codes, moved as a node does."""
        shape = self.shapes[node.output]
        if node.op == "max_pool2d":
            rising = value.table is None or bool(np.all(np.diff(value.table.astype(int)) >= 0))
            target = self._value(
                "codes", node.output, shape, value.coding, None if not rising else value.table
            )
            if value.kind == "pixels" and rising:
                target = replace(target, kind="pixels")
            elif value.kind == "pixels":
                value = self._through_table(node, value)
            window = Window(*(node.attributes[n] for n in ("kernel", "stride", "padding")))
            self._step(MaxPool, node, (value,), target, window=window)
            return target
        forward, attributes = OPERATIONS[node.op].forward, node.attributes
        assert forward is not None
        given = {n: resolved(a, 1) for n, a in attributes.items()}
        indices = moved_indices(value.shape, lambda x: forward(x, **given))
        how = strided(indices)
        if how is not None and is_identity(*how, value.size):
            return replace(value, shape=shape, storage=value.place, name=value.name)
        target = replace(self._value("codes", node.output, shape), kind=value.kind)
        target = replace(target, coding=value.coding, table=value.table, nbytes=value.nbytes)
        lengths, strides, start = how if how is not None else ((), (), 0)
        self._step(
            Gather,
            node,
            (value,),
            target,
            lengths=lengths,
            strides=strides,
            start=start,
            indices=None if how is not None else indices.reshape(-1),
        )
        return target

    def _through_table(self, node: Node, value: Value) -> Value:
        assert value.table is not None
        target = self._value("codes", value.name, value.shape, value.coding)
        self._step(Recode, node, (value,), target, tables=value.table[None])
        return target

    def _joined_codes(self, node: Node) -> None:
        parts = [self.coded[name] for name in node.inputs]
        first = parts[0].coding
        if any(p.coding is None or not _same(p.coding, first) for p in parts):
            return
        self.coded[node.output] = self._concatenated(node, parts)

    def _concatenated(self, node: Node, parts: list[Value]) -> Value:
        plain = [self._through_table(node, p) if p.kind == "pixels" else p for p in parts]
        shape = self.shapes[node.output]
        axis = node.attributes["axis"] % (len(shape) + 1) - 1
        outer = int(np.prod(shape[:axis]))
        inner = tuple(int(np.prod(p.shape[axis:])) for p in plain)
        target = replace(self._value("codes", node.output, shape), coding=plain[0].coding)
        target = replace(target, kind=plain[0].kind, nbytes=plain[0].nbytes)
        self._step(Concatenate, node, tuple(plain), target, outer=outer, inner=inner)
        return target

    # Products

    def _product(self, node: Node) -> None:
        x, w = node.inputs[:2]
        weight = self.graph.constants.get(w)
        coded = self.coded.get(x)
        bias = self.graph.constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
        if len(node.inputs) > 2 and not isinstance(bias, np.ndarray):
            return
        if coded is None or coded.coding is None or not isinstance(weight, QuantizedTensor):
            return
        assert bias is None or isinstance(bias, np.ndarray)
        linear = node.op == "linear"
        groups = 1 if linear else node.attributes["groups"]
        x_operand, w_operand = operand_of(coded.coding, None), operand_of(weight, 0)
        k = int(np.prod(weight.codes.shape[1:]))
        if not integer_sum(x_operand, w_operand, k) or not k:
            return
        window = Window((1, 1)) if linear else window_of(node, weight.codes.shape)
        form = input_form(x_operand, padded=any(window.padding))
        codes = weight.codes.astype(np.int64)
        if linear:
            codes = codes[:, None, None, :]
        weights, unit = weight_integers(w_operand, codes)
        low, high = _reach(weights, form, padded=any(window.padding))
        scale = _joint_scale(x_operand, w_operand, k, groups, len(codes))
        base = form.shift * unit * weights.reshape(len(weights), -1).sum(axis=1)
        scaled = Scale(
            node.scope, node.layer, (), coded, "", form.unit * unit, base, scale, bias
        )
        shape = self.shapes[node.output]
        image = (1, int(np.prod(coded.shape[:-1])), coded.shape[-1]) if linear else coded.shape
        table = form.table
        if coded.kind == "pixels":
            assert coded.table is not None
            entries = coded.table.astype(np.int64)
            table = entries - form.offset if form.table is None else form.table[entries]

        def make() -> Value:
            target = self._value("sums", node.output, shape)
            self._step(
                Product,
                node,
                (coded,),
                target,
                image=image,
                window=window,
                groups=groups,
                weights=weights,
                weight_bits=weight.bits,
                offset=0 if table is not None else form.offset,
                table=table,
                input_bits=coded.coding.bits if coded.coding else 8,
                input_low=form.low,
                input_high=form.high,
                low=low,
                high=high,
                pool=None,
                decision=None,
                is_linear=linear,
            )
            return target

        self._known_sums(node, make, low, high, scaled)

    def _known_sums(
        self, node: Node, make: Callable[[], Value], low: Integers, high: Integers, scale: Scale
    ) -> None:
        source = Source(node.output, low, high, lambda sums: scaled(scale, sums), False)
        self.integers[node.output] = _Integers(make, source, scale)
        self.expressions[node.output] = of_sums(source, self.shapes[node.output])

    def _mean(self, node: Node) -> None:
        """The mean of codes: an integer sum, see `ops.avg_pool2d`."""
        coded = self.coded[node.inputs[0]]
        assert coded.coding is not None
        operand = operand_of(coded.coding, None)
        window = Window(*(node.attributes[n] for n in ("kernel", "stride", "padding")))
        count = int(np.prod(window.kernel))
        if operand.integer_levels is None:
            return
        if operand.integer_levels.reach * count >= 2**31:
            return
        form = input_form(operand, padded=any(window.padding))
        n = coded.shape[-1]
        low, high = (np.full(n, count * end, np.int64) for end in (form.low, form.high))
        if any(window.padding):
            low, high = np.minimum(low, 0), np.maximum(high, 0)
        with np.errstate(over="ignore", under="ignore"):
            unit = np.float32(operand.integer_levels.unit)
            scale = np.asarray(operand.scale * unit, np.float32)
        scaled = Scale(
            node.scope,
            node.layer,
            (),
            coded,
            "",
            form.unit,
            np.full(n, form.shift * count, np.int64),
            scale,
            None,
            float(count),
        )
        table = form.table
        if coded.kind == "pixels":
            assert coded.table is not None
            entries = coded.table.astype(np.int64)
            table = entries - form.offset if form.table is None else form.table[entries]

        def make() -> Value:
            target = self._value("sums", node.output, self.shapes[node.output])
            self._step(
                SumPool,
                node,
                (coded,),
                target,
                window=window,
                offset=0 if table is not None else form.offset,
                table=table,
                low=int(low.min()),
                high=int(high.max()),
                decision=None,
            )
            return target

        self._known_sums(node, make, low, high, scaled)

    def _sum_value(self, name: str) -> Value:
        """Return the sums of a product in memory."""
        if name not in self.sums:
            self.sums[name] = self.integers[name].make()
        return self.sums[name]

    def _wanted(self, name: str) -> int:
        """Return how many quantizers, outputs and floats there are behind a value's expressions."""
        total = self.graph.outputs.count(name)
        for node in self.graph.nodes:
            if name not in node.inputs:
                continue
            goes_on = node.output in self.expressions or node.op in (
                "reshape", "transpose", "getitem", "broadcast_to", "max_pool2d", "concatenate"
            )
            total += self._wanted(node.output) if goes_on and node.op != "quantize" else 1
        return total

    # Outputs

    def _output(self, name: str) -> Output:
        cut = ""
        node = self.nodes.get(name)
        while node is not None and node.op in KEEPS_ORDER and name not in self.coded:
            last = node.attributes.get("axis", -1) in (-1, len(self.shapes[name]))
            if not last:
                break
            cut = node.op if not cut else f"{node.op} of {cut}"
            name = node.inputs[0]
            node = self.nodes.get(name)
        if name in self.coded:
            return Output(self._plain_codes(name), None, (), cut, name=name)
        links: list[Any] = []
        at = name
        while at in self.nodes and at not in self.integers:
            node = self.nodes[at]
            variable = [n for n in node.inputs if n not in self.graph.constants]
            found = links_of(node, self.shapes[at], self.graph.constants)
            if node.op == "reshape" and len(variable) == 1:
                found = []
            if found is None or len(variable) != 1:
                break
            links = [*found, *links]
            at = variable[0]
        if at in self.integers:
            made = self.integers[at]
            ends = np.stack([made.source.low, made.source.high]) * made.scale.unit + made.scale.base
            reach = int(np.abs(ends).max(initial=0))
            return Output(self._sum_value(at), made.scale, tuple(links), cut, reach, name, at)
        return Output(self._float(name), None, (), cut, name=name)

    # Floats

    def _of_floats(self, quantizer: Node, name: str) -> Value:
        value = self._float(name)
        coding = quantizer.coding()
        if coding.scale.size > 1 or coding.shift.size > 1:
            raise ExportError(
                f"export_c: {quantizer}: a quantizer of floats with a scale for each channel has "
                "no form in C; give it one scale (axis=None)"
            )
        cuts = cuts_of(quantizer.tables["thresholds"], coding.scale, coding.shift)
        target = self._value("codes", quantizer.output, value.shape, coding)
        self._step(Encode, quantizer, (value,), target, cuts=cuts)
        return target

    def _float(self, name: str) -> Value:
        """Return a value as floats in memory, saying why it is float."""
        if name not in self.floating:
            self.floating[name] = self._floated(name)
        return self.floating[name]

    def _floated(self, name: str) -> Value:
        if name == self.given:
            return self._float_pixels()
        node = self.nodes[name]
        shape = self.shapes[name]
        where = node.scope or node.op
        if name in self.integers:
            value = self._sum_value(name)
            known = self.integers[name].scale
            target = self._value("floats", name, shape)
            self.left_float.setdefault(where, f"its sums are used as numbers ({node.op})")
            self._step(
                Scale,
                node,
                (value,),
                target,
                unit=known.unit,
                base=known.base,
                scale=known.scale,
                bias=known.bias,
                divisor=known.divisor,
            )
            return target
        if name in self.coded:
            return self._dequantized(node, name)
        variable = [n for n in node.inputs if n not in self.graph.constants]
        links = links_of(node, shape, self.graph.constants) if shape else None
        if node.op in ("linear", "conv2d"):
            self.left_float.setdefault(where, _why_float(node))
            return self._float_product(node)
        self.left_float.setdefault(where, f"{node.op} of floats")
        if links is not None:
            value = self._float(variable[0])
            target = self._value("floats", name, shape)
            self._step(FloatMap, node, (value,), target, links=tuple(links))
            return target
        if node.op in PAIRS and len(variable) == 2:
            pair = tuple(self._float(n) for n in node.inputs)
            if pair[0].shape == pair[1].shape:
                target = self._value("floats", name, shape)
                self._step(FloatPair, node, pair, target, operator=PAIRS[node.op])
                return target
        if node.op == "avg_pool2d":
            value = self._float(node.inputs[0])
            target = self._value("floats", name, shape)
            window = Window(*(node.attributes[n] for n in ("kernel", "stride", "padding")))
            self._step(FloatMean, node, (value,), target, window=window)
            return target
        if OPERATIONS[node.op].moves:
            moved = self._moved(node, self._float(node.inputs[0]))
            return replace(moved, kind="floats", nbytes=4)
        if node.op == "concatenate":
            parts = [self._float(n) for n in node.inputs]
            return self._concatenated(node, parts)
        raise ExportError(
            f"export_c: {node}: {node.op} has no form in C that is equal to the last bit; leave it "
            "to the program that calls the net, or put a quantizer behind it"
        )

    def _float_pixels(self) -> Value:
        assert self.pixels is not None
        target = self._value("floats", self.given, self.shapes[self.given])
        self.left_float.setdefault("the input", "it enters a layer without a quantizer")
        source = Node("quantize", (), self.given)
        self._step(Dequantize, source, (self.input,), target, values=self.pixels[None])
        return target

    def _dequantized(self, node: Node, name: str) -> Value:
        value = self.coded[name]
        coding = value.coding
        if coding is None:
            raise ExportError(f"export_c: {node}: a scale for each channel of a float input")
        codes = np.arange(coding.levels.size, dtype=np.uint8)
        flat = values_of(
            codes, coding.levels, coding.scale.reshape(()), coding.shift.reshape(()), None
        )
        if value.table is not None:
            flat = flat[value.table]
        self.left_float.setdefault(node.scope or node.op, "its codes are used as numbers")
        target = self._value("floats", name, value.shape)
        self._step(Dequantize, node, (value,), target, values=flat[None].astype(np.float32))
        return target

    def _float_product(self, node: Node) -> Value:
        x, w = node.inputs[:2]
        constant = self.graph.constants.get(w)
        bias = self.graph.constants.get(node.inputs[2]) if len(node.inputs) > 2 else None
        if constant is None:
            raise ExportError(f"export_c: {node}: a product of two computed values")
        coded = self.coded[x].coding if x in self.coded else None
        weight = constant if isinstance(constant, QuantizedTensor) else None
        x_operand = operand_of(coded, None)
        w_operand = operand_of(weight, 0)
        groups = 1 if node.op == "linear" else node.attributes["groups"]
        values = _float_elements(constant, w_operand)
        if node.op == "linear":
            values = values[:, None, None, :]
        value = self._float(x)
        if x_operand.levels is not None:
            # Elements, not values: the zero point is taken off and the scale comes last.
            elements = x_operand.elements(np.arange(x_operand.levels.size, dtype=np.uint8))
            source = self.coded[x]
            table = elements if source.table is None else elements[source.table]
            value = self._value("floats", f"{x}_elements", source.shape)
            self._step(Dequantize, node, (source,), value, values=table[None].astype(np.float32))
        k = int(np.prod(values.shape[1:]))
        scale = _joint_scale(x_operand, w_operand, k, groups, len(values))
        shape = self.shapes[node.output]
        linear = node.op == "linear"
        image = (1, int(np.prod(value.shape[:-1])), value.shape[-1]) if linear else value.shape
        target = self._value("floats", node.output, shape)
        self._step(
            FloatProduct,
            node,
            (value,),
            target,
            image=image,
            window=Window((1, 1)) if linear else window_of(node, values.shape),
            groups=groups,
            weights=values,
            scale=scale,
            bias=bias if isinstance(bias, np.ndarray) else None,
        )
        return target

    # Helpers

    def _value(
        self,
        kind: Any,
        name: str,
        shape: Shape,
        coding: QuantizedTensor | None = None,
        table: NDArray[np.uint8] | None = None,
    ) -> Value:
        nbytes = {"codes": 1, "pixels": 1, "sums": 4, "floats": 4}[kind]
        return Value(self.names.value(name), kind, shape, coding, table, nbytes)

    def _step(self, kind: Any, node: Node, sources: tuple[Value, ...], target: Value, **more: Any) -> None:
        identifier = self.names.step(node.scope or node.op)
        made = kind(node.scope, node.layer, sources, target, identifier, **more)
        self.steps.append(made)


def scaled(scale: Scale, accumulators: Integers) -> Array:
    """Return the float32 numbers that accumulators ``[m, n]`` stand for: the packed expression."""
    sums = accumulators * scale.unit + scale.base
    x = sums.astype(np.float32) * scale.scale
    if scale.bias is not None:
        x = x + scale.bias
    return x if scale.divisor is None else x / np.float32(scale.divisor)


def _deciding(product: Product, decision: Decision, target: Value) -> Product:
    """Return a product with its decision; where codes fall, the weights change their sign."""
    allowed = np.unique(product.weights)
    weights, left = turned_weights(product.weights, decision.turned, allowed)
    changed = decision.turned & ~left
    low = np.where(changed, -product.high, product.low)
    high = np.where(changed, -product.low, product.high)
    return replace(
        product,
        weights=weights,
        low=low,
        high=high,
        decision=replace(decision, turned=left),
        target=target,
    )


def _reach(weights: Integers, form: InputForm, *, padded: bool) -> tuple[Integers, Integers]:
    """Return the least and the greatest sum of each output that any input can give."""
    rows = weights.reshape(len(weights), -1)
    plus, minus = np.clip(rows, 0, None).sum(axis=1), np.clip(rows, None, 0).sum(axis=1)
    x_low, x_high = form.low, form.high
    low, high = plus * x_low + minus * x_high, plus * x_high + minus * x_low
    # With padding some inputs are 0, which lies between the ends.
    assert not padded or x_low <= 0 <= x_high
    return low, high


def _joint_scale(x_operand: Any, w_operand: Any, k: int, groups: int, n: int) -> Array:
    """Return what sums are multiplied by: see `gemm.joint_scale`, for each group by itself."""
    each = n // groups
    parts = [
        np.broadcast_to(
            joint_scale(x_operand, channels_of(w_operand, slice(g * each, (g + 1) * each)), k),
            (each,),
        )
        for g in range(groups)
    ]
    scale = np.concatenate(parts) if parts else np.ones(0, np.float32)
    return scale[:1].reshape(()) if n and np.all(scale == scale[0]) else scale


def _float_elements(constant: Any, operand: Any) -> Array:
    if not isinstance(constant, QuantizedTensor):
        return np.asarray(constant, np.float32)
    if operand.levels is None:
        return values_of(
            constant.codes, constant.levels, constant.scale, constant.shift, constant.axis
        )
    zero = operand.zero
    if zero.ndim:
        zero = zero.reshape(-1, *(1,) * (constant.codes.ndim - 1))
    return np.asarray(operand.levels[constant.codes] - zero, np.float32)


def _why_float(node: Node) -> str:
    return (
        f"the {node.op} takes floats, or its levels are no integers: give the layer a quantizer of "
        "its input and one of its weight (first_input=, first_weight=, last_input=, last_weight= "
        "of the models)"
    )


def _same(a: QuantizedTensor, b: QuantizedTensor | None) -> bool:
    return b is not None and all(
        np.array_equal(x, y)
        for x, y in ((a.levels, b.levels), (a.scale, b.scale), (a.shift, b.shift))
    )
