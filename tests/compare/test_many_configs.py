"""Grids over any argument, and lists side by side."""

from typing import Any

import pytest
from qnn_compare import Config, grid, zipped
from qnn_core.errors import CompareError


def test_a_grid_over_recipes_and_options() -> None:
    found = grid(["symmetric", None], bits=[2, 32], lr=[0.1, 0.01], sizes=[[6, 3], [6, 9, 3]], b=1)
    assert len(found) == 8
    assert found[0].name == "float, lr 0.1, sizes [6, 3]"
    last = found[-1]
    assert last == Config(
        "symmetric:2, lr 0.01, sizes [6, 9, 3]", weight="symmetric:2", input="symmetric:2",
        recipe={"lr": 0.01}, b=1, sizes=[6, 9, 3],
    )  # fmt: skip # one config
    assert grid(["symmetric"], bits=[2], lr=0.1) == [
        Config("symmetric:2", weight="symmetric:2", input="symmetric:2", recipe={"lr": 0.1})
    ]


def test_a_grid_may_begin_with_another_config() -> None:
    (found,) = grid(["binary"], start="float", rules={"a": None}, hidden=[3])
    assert found == Config(
        "binary:1, hidden 3", weight="binary", input="binary", start="float", rules={"a": None},
        hidden=3,
    )  # fmt: skip # one config


def test_lists_side_by_side() -> None:
    pairs = zipped(weight=["symmetric:2", "binary:1"], input=["uniform:2", None], epochs=[3, 4])
    assert pairs == [
        Config("symmetric:2 x uniform:2, epochs 3", weight="symmetric:2", input="uniform:2",
               recipe={"epochs": 3}),
        Config("binary:1 x float, epochs 4", weight="binary:1", recipe={"epochs": 4}),
    ]  # fmt: skip # two configs
    named = zipped(name=["a", "b"], weight=["binary:1", "nf4"], start="float", width=[8, 16])
    assert named == [
        Config("a", weight="binary:1", start="float", width=8),
        Config("b", weight="nf4", start="float", width=16),
    ]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"weight": ["binary"], "lr": [1, 2]}, "lists of one length, got weight has 1, lr has 2"),
    ({"weight": "binary"}, "lists of one length, got none"),
    ({"weight": []}, "weight is empty"),
    ({"weight": ["binary"], "seed": [3]}, "seed is not an option"),
]


@pytest.mark.parametrize(("lists", "told"), WRONG)
def test_lists_that_are_none(lists: Any, told: str) -> None:
    with pytest.raises(CompareError, match=told):
        zipped(**lists)
