"""Tables say what was measured, in every style, whatever the study looks like."""

import csv
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from qnn_compare import Comparison, LeftOut
from qnn_compare.experiment.configs import Config
from qnn_compare.report import summary
from qnn_core.errors import CompareError, SpecError
from shown_studies import (
    FLOAT,
    IMAGES,
    NASTY,
    STUDIES,
    around,
    both,
    incomplete,
    long_names,
    no_float,
    nothing_done,
    one_seed,
    study,
    suspicious,
    typical,
)

STYLES = ("text", "markdown", "csv", "latex", "html")
EVERY = pytest.mark.parametrize("name", STUDIES)


def read_csv(comparison: Comparison) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(comparison.table("csv"), newline="")))


class Html(HTMLParser):
    """What a reader of HTML sees: the tags, and the text of table runs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@EVERY
def test_csv_has_every_number_in_full(name: str) -> None:
    comparison = STUDIES[name]()
    rows = read_csv(comparison)
    assert [row["config"] for row in rows] == [config.name for config in comparison.configs]
    for row, config in zip(rows, comparison.configs, strict=True):
        known = comparison.accuracy(config)
        assert int(row["n"]) == (known.n if known else 0)
        expected = {
            "accuracy": known and known.mean,
            "accuracy_sd": known and known.sd,
            "accuracy_low": known and known.low,
            "accuracy_high": known and known.high,
            "nbytes": comparison.nbytes(config),
            "seconds_batch_1": comparison.latency(config, 1),
            "seconds_batch_100": comparison.latency(config, 100),
            "train_seconds": comparison.train_seconds(config),
        }
        assert {key: float(row[key]) if row[key] else None for key in expected} == expected
        macs = {key.removeprefix("macs_"): row[key] for key in row if key.startswith("macs_")}
        assert {width: int(n) for width, n in macs.items() if n not in ("", "0")} == dict(
            comparison.macs(config)
        )
        assert row["pareto"] == str(config in comparison.pareto)


@EVERY
def test_csv_has_the_verdicts_against_the_reference(name: str) -> None:
    comparison = STUDIES[name]()
    pairs = {pair.config: pair for pair in comparison.against()}
    for row, config in zip(read_csv(comparison), comparison.configs, strict=True):
        pair = pairs.get(config.name)
        if pair is None:
            assert not row["difference"]
            continue
        assert (row["verdict"], row["reference"]) == (pair.verdict, comparison.reference.name)
        mine, theirs = (comparison.accuracy(a) for a in (config, comparison.reference))
        if mine and theirs and mine.n == theirs.n:
            assert float(row["difference"]) == pytest.approx(mine.mean - theirs.mean)
        if row["low"]:
            assert float(row["low"]) < float(row["difference"]) < float(row["high"])
            assert float(row["low_new"]) <= float(row["low"])


@EVERY
def test_text_is_no_wider_than_a_terminal(name: str) -> None:
    assert max(map(len, str(STUDIES[name]()).split("\n"))) <= 118


@EVERY
def test_markdown_is_one_table_that_is_readable_as_text(name: str) -> None:
    comparison = STUDIES[name]()
    table, _, notes = comparison.table("markdown").partition("\n\n")
    lines = table.split("\n")
    assert len(lines) == 2 + len(comparison.configs)
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    # Names cannot be broken in a run of Markdown.
    longest = max(len(config.series) for config in comparison.configs)
    assert max(map(len, lines)) <= max(120, 95 + longest)
    assert all(line.startswith("- ") for line in notes.split("\n"))


@EVERY
def test_html_has_a_row_for_each_config_and_every_column(name: str) -> None:
    comparison = STUDIES[name]()
    header, *rows = ([run.strip() for run in row] for row in Html(comparison.table("html")).rows)
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    assert len(rows) == len(comparison.configs)
    named = "config" if any(a.own_name for a in comparison.configs) else "series"
    assert [text.strip() for text in columns[named]] == [a.series for a in comparison.configs]
    assert {"sd", "n", "MACs by width", "batch of 1", "batch of 100", "training"} <= {*columns}
    verdicts = dict(zip((a.name for a in comparison.configs), columns["verdict"], strict=True))
    assert verdicts.pop(comparison.reference.name) == "reference"
    for pair in comparison.against():
        assert verdicts[pair.config].startswith(pair.verdict)


def test_numbers_are_those_that_one_computes_by_hand() -> None:
    # sd = 0.158 points; t(4) = 2.776 at 95 %: 2.776 * 0.158 / sqrt(5) = 0.196.
    # Differences in points: -1.5, -1.8, -1.2, -1.8, -1.2; sd = 0.3, hence 2.776 * 0.3 / sqrt(5).
    comparison = study(
        {FLOAT: around(0.97), both("symmetric:2"): [0.955, 0.954, 0.957, 0.953, 0.956]}
    )
    line = comparison.table().split("\n")[4]
    assert line.split()[:7] == ["symmetric", "2", "worse", "-1.50", "±", "0.37", "yes"]
    assert line.split()[7:13] == ["95.50", "±", "0.20", "0.16", "5", "8,602"]


def test_long_names_are_broken_behind_commas() -> None:
    lines = long_names().table().split("\n")
    assert any(line.startswith("symmetric:grid=even,  ") for line in lines)
    assert all("percentile=99.\n" not in line for line in lines)


def test_columns_without_room_are_named() -> None:
    text = typical().table()
    hidden = re.search(r"not shown here: (.*); styles", text)
    assert hidden is not None
    header = " ".join(text.partition("---")[0].split())
    names = ["sd", "MACs by width", "batch of 1", "batch of 100", "training"]
    assert hidden[1].split(", ") == names
    assert "training" not in header


def test_latex_is_a_table_for_a_paper_and_nothing_else() -> None:
    latex = typical().table("latex")
    assert latex.startswith("% \\usepackage{booktabs}\n\\begin{tabular}")
    assert latex.endswith(r"\end{tabular}")
    assert "not shown here" not in latex


@pytest.mark.parametrize("style", ["text", "markdown", "html"])
def test_what_has_no_row_stands_below(style: str) -> None:
    table = typical().table(style)
    assert "left out, binary:2, 4, 8: there is one bit, got bits=2, 4, 8" in table.replace("\\", "")
    assert "failed, uniform:2, seeds 3, 4: diverged" in " ".join(table.split())


def test_reasons_cannot_pass_for_markup() -> None:
    comparison = typical()
    html = Html(comparison.table("html"))
    assert "script" not in html.tags
    assert NASTY in html.text
    markdown = comparison.table("markdown")
    assert not re.search(
        r"(?<!\\)[<>*|]", markdown.partition("\n\n")[2].replace("- Pareto: \\*", "")
    )


def test_names_are_not_merged_where_that_could_mean_others_too() -> None:
    names = ("symmetric:1 x uniform:2", "symmetric:2 x uniform:1")
    left_out = [LeftOut(name, "no") for name in names]
    comparison = study({FLOAT: around(0.97)}, left_out=left_out)
    assert f"left out, {', '.join(names)}: no" in comparison.table()


def test_other_styles_are_refused() -> None:
    with pytest.raises(SpecError, match="one of text, markdown, csv, latex, html, got 'latx'"):
        typical().table("latx")


@pytest.mark.parametrize("style", STYLES)
def test_a_study_without_a_result_has_a_table(style: str) -> None:
    assert "not run" in nothing_done().table(style) or style == "csv"


def prose(comparison: Comparison) -> str:
    return " ".join(str(comparison).split())


def test_the_first_line_is_the_answer() -> None:
    assert str(typical()).startswith(summary.answer(typical())[:40])
    assert "INCOMPLETE" not in prose(typical())


def near(difference: float, seeds: int = 5) -> list[float]:
    """Return accuracies that differ from those of `around(0.97)` by nearly the same each time."""
    jitter = (0.0, 0.001, -0.001, 0.001, -0.001)
    return [a + difference + j for a, j in zip(around(0.97, seeds), jitter, strict=False)]


def test_the_answer_names_widths_where_all_of_a_width_agree() -> None:
    accuracies = {FLOAT: around(0.97)}
    accuracies |= {both(f"{name}:{bits}"): near(0) for name in NAMES for bits in (3, 4, 8)}
    accuracies |= {both(f"{name}:2"): near(-0.02 - n / 100) for n, name in enumerate(NAMES)}
    told = summary.answer(study(accuracies))
    assert told == (
        "3 bits and more cost nothing that matters here: within half a point of float, 9.0 times "
        "smaller (symmetric:3); 2 bits cost 2.00 to 3.00 points."
    )


NAMES = ("symmetric", "logarithmic")


def test_the_answer_names_configs_where_a_width_is_divided() -> None:
    accuracies = {FLOAT: around(0.97), both("symmetric:1,grid=even"): near(0)}
    accuracies |= {both("binary:1"): near(-0.04)}
    assert summary.answer(study(accuracies)) == (
        "symmetric:1,grid=even costs nothing that matters here: within half a point of float, "
        "20 times smaller; binary:1 costs 4.00 points."
    )


def test_the_answer_says_what_does_not_train_reliably() -> None:
    wild = both("uniform:1")
    told = study({FLOAT: around(0.97), wild: [0.96, 0.70, 0.95, 0.62, 0.96], both("symmetric:4"):
                  near(0), both("symmetric:8"): near(0)})  # fmt: skip # one study
    assert "uniform:1 does not train reliably" in summary.answer(told)
    assert "unstable, uniform:1: from 62.00 to 96.00 by seed" in prose(told)


def test_what_is_undecided_says_what_would_decide_it() -> None:
    rng = np.random.default_rng(0)
    runs = {name: {s: rng.random(500) < 0.97 for s in range(3)} for name in ("float", "4 bits")}
    comparison = Comparison.from_results(runs)
    told = prose(comparison)
    [pair] = comparison.against()
    assert pair.needs is not None
    assert "4 bits is undecided" in told
    assert f"undecided, 4 bits: {pair.needs} would decide it" in told
    assert "To decide 4 bits: more seeds; how many is noted with the verdicts" in told
    assert told.count(f"about {pair.needs.seeds} seeds") == told.count("would decide it") == 1
    assert "store" not in told


def test_another_reference_and_margin() -> None:
    comparison = typical().asking("symmetric:8", 0.02)
    assert comparison.reference.name == "symmetric:8"
    told = comparison.table()
    assert "better or worse than symmetric:8" in " ".join(told.split())
    assert "within ± 2 points" in " ".join(told.split())
    assert {pair.config: pair.verdict for pair in comparison.against()}["symmetric:4"] == (
        "equivalent"
    )
    with pytest.raises(CompareError, match="there is no config 'symetric:8'"):
        typical().asking("symetric:8")


def test_text_says_that_a_study_is_incomplete_and_how_to_go_on() -> None:
    text = prose(incomplete())
    assert "INCOMPLETE: 6 of 16 runs." in text
    assert "Ask for all configs and seeds in one call with the same store" in text
    assert "float, symmetric:2, symmetric:4: seeds 2, 3 not run yet" in text
    assert "symmetric:8: seeds 0 to 3 not run yet" in text
    assert "a lower learning rate" in text


def test_text_says_that_a_baseline_is_suspicious_and_what_to_try() -> None:
    comparison = suspicious()
    [flag] = comparison.suspicions
    assert " ".join(str(flag).split()) in prose(comparison)
    assert flag.advice in prose(comparison)


def test_text_says_what_one_seed_leaves_open() -> None:
    text = prose(one_seed())
    assert "Nothing can be told yet" in text
    assert "symmetric:2 is ahead of the float baseline by 0.50 points" in text
    assert "Run three seeds or more" in text


def test_text_says_that_a_float_config_is_missing() -> None:
    assert "Add a float config" in prose(no_float())
    assert "float" not in no_float().table().partition("\n\n")[0]
    assert no_float().reference.name == "symmetric:2"


@EVERY
def test_notebooks_show_the_same_as_text(name: str) -> None:
    comparison = STUDIES[name]()
    html = Html(comparison._repr_html_())
    assert "script" not in html.tags
    assert html.tags.count("tr") == 1 + len(comparison.configs)
    assert summary.answer(comparison) in html.text


def test_repr_is_short() -> None:
    assert repr(incomplete()) == "<Comparison: 4 configs, 4 seeds, 6 of 16 runs>"


def test_images_set_what_differences_of_equal_configs_can_mean() -> None:
    """Two configs with the same accuracies have an interval that is not a point."""
    comparison = study({FLOAT: around(0.97), Config(weight="symmetric:4"): around(0.97)})
    [_, row] = read_csv(comparison)
    assert float(row["difference"]) == 0
    assert 0 < float(row["high"]) < 1 / IMAGES


def test_notebooks_see_the_differences() -> None:
    content = typical()._repr_html_()
    assert content.count("<svg") == 1
    # An interval and a mean for each config beside the reference.
    assert content.count("<polyline") == 2 * len(typical().against())
    assert "<svg" not in nothing_done()._repr_html_()
