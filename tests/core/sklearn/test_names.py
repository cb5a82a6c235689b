"""The page's table of names: what `MLPClassifier` calls its parameters, and what we do."""

import re
from pathlib import Path

import pytest
from qnn_core.sklearn import QuantMLPClassifier
from sklearn.neural_network import MLPClassifier

PAGE = Path(__file__).parents[3] / "docs" / "scikit-learn.md"


def rows() -> list[tuple[set[str], set[str]]]:
    """Return the names in the first two columns of each row."""
    text = PAGE.read_text("utf-8").partition("| `MLPClassifier` | `QuantMLPClassifier` |")[2]
    lines = text.partition("\n\n")[0].splitlines()[2:]
    cells = [line.split("|")[1:3] for line in lines]
    return [(set(re.findall("`(.+?)`", a)), set(re.findall("`(.+?)`", b))) for a, b in cells]


def test_names_are_parameters_and_none_that_both_have_is_left_out() -> None:
    theirs, ours = MLPClassifier().get_params(), QuantMLPClassifier().get_params()
    assert rows()
    for before, after in rows():
        assert before <= theirs.keys()
        assert all(name in ours or name.startswith("functools.") for name in after)
    for name in theirs.keys() & ours.keys():
        assert ({name}, {name}) in rows()


def test_activations_and_optimizers_are_those_that_the_page_says() -> None:
    x, y, text = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1], PAGE.read_text("utf-8")
    said = {
        "activation": (("relu", "tanh", "sigmoid", "hardtanh"), ("logistic", "identity")),
        "optimizer": (("adam", "sgd", "adamw"), ("lbfgs",)),
    }
    for name, (ours, missing) in said.items():
        for value in ours:
            made = QuantMLPClassifier(**{name: value}, max_iter=1).fit(x, y)
            assert made.n_iter_ == 1
        for value in missing:
            with pytest.raises(ValueError, match=value):
                QuantMLPClassifier(**{name: value}, max_iter=1).fit(x, y)
        assert all(f'`"{value}"`' in text for value in (*ours, *missing))
