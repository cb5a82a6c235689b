"""Names of before: a plugin that still uses them works, and is told what they are called now."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
import qnn_core.quantizer


def test_methods_of_a_plugin_count_under_their_names_of_today() -> None:
    with pytest.warns(DeprecationWarning, match="the method is called") as warned:

        @dataclass(frozen=True)
        class Signs(qnn.Quantizer):
            bits: int = 1

            @property
            def levels(self) -> list[int]:
                return [-1, 1]

            def window(self, u: Any) -> Any:
                return 2 * super().window(u)

            def slope(self, u: Any, level: Any, surrogate: Any) -> Any:
                return 3 * super().slope(u, level, surrogate)

            def span(self, low: Any, high: Any) -> qnn.QParams:
                found = super().span(low, high)
                return qnn.QParams(4 * found.scale, found.zero_point)

    assert sorted(str(w.message).rpartition(" is ")[2] for w in warned) == [
        "called qparams_from_range now",
        "called scale_gradient now",
        "called surrogate now",
    ]
    u = np.float32([0.5])
    assert Signs().surrogate(u) == 2
    assert Signs().scale_gradient(u, np.float32([1]), np.float32([1])) == 1.5
    assert Signs(calibration="absmax").fit(u).scale == 2


@pytest.mark.parametrize(
    ("module", "former", "name"),
    [
        (qnn, "Coded", "PackedTensor"),
        (qnn, "Frame", "QParams"),
        (qnn_core.quantizer, "Frame", "QParams"),
        (qnn_core.quantizer, "WINDOWS", "SURROGATES"),
    ],
)
def test_names_of_modules(module: Any, former: str, name: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"{former} is called {name} now"):
        assert getattr(module, former) is getattr(module, name)


def test_a_name_that_never_was() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        qnn_core.quantizer.Nothing  # noqa: B018 # asked for, to be refused
