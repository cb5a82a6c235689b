"""An allocation as an object that can be read and printed."""

from dataclasses import dataclass
from typing import NamedTuple

from ...deploy import PackedModel
from ...display import block, html_table, sentence
from ...nn import Module
from ...quantizer import Quantizer
from ...terminal import table
from ...training import Evaluation, Metric
from .options import FLOAT_BITS


class Sensitivity(NamedTuple):
    """What one option costs one layer, if all other weights are float.

    Attributes:
        value: rise of the loss, or what the given function says.
        accuracy: fall of the accuracy, a share of 1; None if it was not measured.
        metric: by how much the metric is worse; None if it was not measured.
    """

    value: float
    accuracy: float | None
    metric: float | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """A quantizer for each layer, what was predicted of it and what was measured.

    Attributes:
        name: ``"allocated"``, or the name of the option that all layers have.
        options: the name of each layer's option, by the layer's path.
        quantizers: by the layer's path, None for float.
        nbytes: of the file that `PackedModel.save` writes.
        predicted: sum of the sensitivities' values.
        predicted_accuracy: the float model's less the sum of the sensitivities'; None if they have
            none.
        result: loss and metric as measured.
        model: in evaluation mode, to be judged by other data. All plans share their parameters: it
            is `Allocation.model` that may be trained.
        predicted_metric: as the accuracy; None if there is no metric.
    """

    name: str
    options: dict[str, str]
    quantizers: dict[str, Quantizer | None]
    nbytes: int
    predicted: float
    predicted_accuracy: float | None
    result: Evaluation
    model: Module
    predicted_metric: float | None = None

    @property
    def bits(self) -> dict[str, int]:
        """Bits of each layer's weight, 32 for float."""
        return {n: FLOAT_BITS if q is None else q.bits for n, q in self.quantizers.items()}


@dataclass(frozen=True, eq=False)
class Allocation:
    """Bits for each layer under a budget, and how they compare; ``print`` shows two tables.

    Attributes:
        budget: in bytes of the packed file.
        plan: what was chosen.
        uniform: the same option in all layers, for each option that all have.
        model: the quantized model, in evaluation mode, with parameters of its own.
        packed: it as it is deployed, of at most `budget` bytes.
        sensitivities: by the layer's path, then by the name of the option: its bits, its spec or
            ``"float"``.
        float_result: loss and metric with all weights float.
        metric: what is told beside the loss; None for nothing.
        of_loss: whether the sensitivities are rises of the loss, and not what a function said.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
        >>> data = (x, (x[:, 0] > 0).astype(int))
        >>> specs = {"weight": "symmetric:4", "last_weight": "symmetric:4"}
        >>> model = qnn.quantize(qnn.MLP([8, 16, 2], seed=0), **specs)
        >>> found = qnn.allocate(model, data, budget=2_000, bits=(2, 4, 8))
        >>> found.nbytes <= 2_000, sorted(found.bits)
        (True, ['layers.0', 'layers.2'])
    """

    budget: int
    plan: Plan
    uniform: list[Plan]
    model: Module
    packed: PackedModel
    sensitivities: dict[str, dict[str, Sensitivity]]
    float_result: Evaluation
    metric: Metric | None = None
    of_loss: bool = True

    @property
    def bits(self) -> dict[str, int]:
        """Bits of each layer's weight, 32 for float."""
        return self.plan.bits

    @property
    def nbytes(self) -> int:
        """Size of the packed file in bytes, at most the budget."""
        return self.packed.nbytes

    @property
    def best_uniform(self) -> Plan | None:
        """The uniform plan within the budget with the least predicted sum, None if none fits."""
        fitting = [plan for plan in self.uniform if plan.nbytes <= self.budget]
        return min(fitting, key=lambda plan: plan.predicted, default=None)

    def table(self, style: str = "text") -> str:
        """Return what each option costs each layer, then the plans.

        The cost is the rise of the loss, or what the function `sensitivity` said of it. What was
        chosen is marked with ``*``, and what lies within the budget with ``<=``. The
        metric is given predicted and measured, an accuracy in percent.

        Args:
            style: ``"text"``, ``"markdown"`` or ``"html"``.

        Raises:
            SpecError: for another style.
        """
        return "\n\n".join(table(*of, style) for of in (self._layers(), self._plans()))

    def _layers(self) -> tuple[list[str], list[list[str]]]:
        names = list(dict.fromkeys(n for found in self.sensitivities.values() for n in found))
        rows = []
        for path, found in self.sensitivities.items():
            marks = ["* " if name == self.plan.options[path] else "" for name in names]
            cells = [f"{found[name].value:+.4f}" if name in found else "" for name in names]
            rows.append([path, *map("".join, zip(marks, cells, strict=True))])
        return ["layer", *names], rows

    def _plans(self) -> tuple[list[str], list[list[str]]]:
        loss = self.float_result.loss
        rows = []
        for plan in [*self.uniform, self.plan]:
            fits = "<=" if plan.nbytes <= self.budget else ""
            rows.append(
                [
                    plan.name,
                    f"{plan.nbytes:,}",
                    fits,
                    f"{plan.predicted:+.4f}",
                    f"{plan.result.loss - loss:+.4f}",
                    *map(self._shown, (plan.predicted_metric, plan.result.metric)),
                ]
            )
        name = "accuracy" if self.metric is None else self.metric.name.replace("_", " ")
        told = f"{name} %" if self.metric is None or self.metric.percent else name
        headers = [
            "bits",
            "bytes",
            f"<= {self.budget:,}",
            "rise of loss\npredicted" if self.of_loss else "sum of\nsensitivities",
            "rise of loss\nmeasured",
            f"{told}\npredicted",
            f"{told}\nmeasured",
        ]
        return headers, rows

    def _shown(self, value: float | None) -> str:
        if value is None or self.metric is None:
            return ""
        return f"{100 * value:.2f}" if self.metric.percent else f"{value:.4g}"

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        chosen = ", ".join(f"{name}: {bits}" for name, bits in self.bits.items())
        title = f"Allocation, {self.nbytes:,} of {self.budget:,} bytes"
        tables = [html_table(*of, left=1) for of in (self._layers(), self._plans())]
        return block(title, sentence(f"bits: {chosen}"), *tables)
