"""Configs that lack seeds which others have: their means are not read beside the others'."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from qnn_compare import Comparison
from qnn_compare.report import summary
from qnn_compare.report.figures import bits, curves, size
from qnn_compare.statistics import against
from qnn_compare.statistics.weak_baseline import Run, suspicion
from shown_studies import FLOAT, around, both, study, two_configs

SMALL, LARGE = both("symmetric:2"), both("symmetric:4")


def lucky() -> Comparison:
    """Return a study whose small config has but the two seeds at which all are good."""
    good = [0.98, 0.98]
    return study(
        {
            FLOAT: [*good, 0.95, 0.95, 0.95],
            LARGE: [0.979, 0.979, 0.94, 0.94, 0.94],
            SMALL: [0.975, 0.975, None, None, "the loss is nan"],
        }
    )


def test_the_front_compares_over_common_seeds() -> None:
    found = lucky()
    means = {config: found.accuracy(config).mean for config in found.configs}  # type: ignore[union-attr] # all have some
    assert means[SMALL] > max(means[FLOAT], means[LARGE])
    # By its own mean the smallest would beat both.
    assert found.pareto == (SMALL, LARGE, FLOAT)
    assert [found.partial(config) for config in found.configs] == [False, False, True]


def test_an_config_that_is_worse_over_common_seeds_gets_no_star() -> None:
    found = study(
        {FLOAT: [0.98, 0.98, 0.90], SMALL: [0.98, 0.98, 0.90], LARGE: [0.979, None, None]}
    )
    assert found.pareto == (SMALL,)
    apart = study({FLOAT: [0.98, None], SMALL: [None, 0.97]})
    assert found.common(FLOAT, LARGE) == [0]
    assert apart.pareto == (SMALL, FLOAT)  # nothing in common: neither beats the other
    assert "Nothing can be told yet" in summary.answer(apart)


def test_sentences_and_tables_mark_it() -> None:
    found = lucky()
    table = found.table()
    assert "(n=2)" in table
    assert "compare two configs over the seeds that both have" in " ".join(table.split())
    assert "(n=" not in two_configs().table()


def test_figures_mark_what_is_undecided() -> None:
    decided = study({FLOAT: around(0.97), LARGE: around(0.90, shift=1)})
    for draw in (bits.draw, size.draw):
        labels = [text.get_text() for text in draw(lucky()).legends[0].get_texts()]
        assert "undecided" in labels
        labels = [text.get_text() for text in draw(decided).legends[0].get_texts()]
        assert "undecided" not in labels
    one = study({FLOAT: [0.98, None], SMALL: [None, 0.97]})
    assert size.draw(one).axes[0].get_lines()


def test_the_baseline_is_judged_over_common_seeds() -> None:
    # Over its own five seeds float is far below; where the other has seeds it is above.
    float_runs = {seed: Run(a) for seed, a in enumerate([0.981, 0.982, 0.90, 0.90, 0.90])}
    others = {"W4": {0: Run(0.980), 1: Run(0.9815)}}
    runs = {"float": float_runs} | others
    results = {name: {s: run.accuracy for s, run in by.items()} for name, by in runs.items()}
    assert suspicion(against(results, "float"), float_runs, others) == []


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_epochs_have_whole_ticks(epochs: int) -> None:
    figure = curves.draw(study({FLOAT: around(0.97), SMALL: around(0.95)}, epochs=epochs))
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    (axes,) = (a for a in figure.findobj() if getattr(a, "get_xlabel", str)() == "epoch")
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == np.round(tick) and 1 <= tick <= epochs for tick in ticks)
