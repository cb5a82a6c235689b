"""A report is one page, or Markdown with figures beside it, that holds all and means no harm."""

import ast
import base64
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, Config
from qnn_compare.experiment.grid import configs_of
from qnn_compare.experiment.question import Question, looks_until
from qnn_compare.experiment.tuning import Tried, Tuning
from qnn_compare.report.page.html import html
from qnn_compare.report.page.markdown import markdown
from qnn_compare.report.page.provenance import call
from qnn_core.errors import CompareError, SpecError
from shown_studies import (
    FLOAT,
    NASTY,
    STUDIES,
    around,
    both,
    nothing_done,
    study,
    typical,
)

EVERY = pytest.mark.parametrize("name", STUDIES)
EMPTY = {"meta", "link", "img", "wbr"}  # elements that have no end tag
NAMES_ADDRESSES = {"src", "href", "action", "data", "poster", "srcset", "xlink:href"}


class Page(HTMLParser):
    """A page as a tree is not needed: elements in their order, with attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[int] = []
        self.feed(text)
        self.close()
        assert not self.open, "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"{tag} has an attribute twice"
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")
        if tag not in EMPTY:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            self.texts[element] += data

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        """Return attributes and text of each element of a kind."""
        found = zip(self.elements, self.texts, strict=True)
        return [(attributes, text) for (name, attributes), text in found if name == tag]


@cache
def text_of(name: str) -> str:
    return html(STUDIES[name]())


@cache
def page(name: str) -> Page:
    return Page(text_of(name))


@EVERY
def test_page_is_well_formed_and_tells_what_it_is(name: str) -> None:
    found = page(name)
    assert text_of(name).startswith("<!DOCTYPE html>")
    [(attributes, _)] = found.all("html")
    assert attributes["lang"] == "en"
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len({*ids}) == len(ids)
    for attributes, _ in found.all("a"):
        assert (attributes["href"] or "").removeprefix("#") in ids
    headings = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(headings))


@EVERY
def test_page_needs_nothing_else(name: str) -> None:
    for _, attributes in page(name).elements:
        for key in NAMES_ADDRESSES & {*attributes}:
            assert re.match(r"#|data:", attributes[key] or "")
    [(_, style)], [(_, script)] = page(name).all("style"), page(name).all("script")
    assert not re.search(r"url\(|@import|//[a-z]", style)
    assert not re.search(r"fetch|XMLHttp|import\(|https?:", script)
    policies = [a["content"] for a, _ in page(name).all("meta") if "http-equiv" in a]
    assert policies[0]
    assert policies[0].startswith("default-src 'none';")


@EVERY
def test_page_holds_the_figures_each_with_words(name: str) -> None:
    images = page(name).all("img")
    assert len(images) == {"none_packed": 3, "one_config": 3}.get(name, 4)
    for attributes, _ in images:
        assert len(attributes["alt"] or "") > 40
        head, _, content = (attributes["src"] or "").partition(",")
        assert head == "data:image/svg+xml;base64"
        assert ElementTree.fromstring(base64.b64decode(content)).tag.endswith("svg")


@EVERY
def test_matrix_has_the_verdicts(name: str) -> None:
    comparison = STUDIES[name]()
    verdicts = [
        (attributes["data-verdict"], text)
        for attributes, text in page(name).all("span")
        if "data-verdict" in attributes
    ]
    names = [config.name for config in comparison.configs if comparison.done(config)]
    order = [(a, b) for a in names for b in names if (a, b) in comparison.verdicts]
    assert [verdict for verdict, _ in verdicts] == [comparison.verdicts[key] for key in order]
    assert len(order) == len(comparison.verdicts)
    for verdict, text in verdicts:
        assert verdict is not None
        assert verdict in text  # in words


@EVERY
def test_page_has_every_config_and_every_pair(name: str) -> None:
    comparison = STUDIES[name]()
    text = text_of(name)
    for table, rows in (("configs", len(comparison.configs)), ("pairs", len(comparison.pairs))):
        part = text.partition(f'id="{table}"')[2].partition("</table>")[0]
        assert part.count("<tr>") == (rows + 1 if part else 0)


def test_what_others_wrote_is_text_and_nothing_else() -> None:
    found = page("typical")
    assert len(found.all("script")) == 1
    assert not found.all("b")
    described = [text.replace("\xa0", " ") for _, text in found.all("dd")]
    assert NASTY in described
    assert f"diverged: {NASTY}" in described
    assert "study.py --epochs 4 '<b>'" in [text for _, text in found.all("pre")]


def test_configs_with_markup_in_their_names_are_text() -> None:
    spec = 'symmetric:2,ste="><img src=x onerror=alert(1)>'
    found = Page(html(study({FLOAT: around(0.97), both(spec): around(0.96)})))
    assert len(found.all("img")) == 4
    assert spec in " ".join(text for _, text in found.all("th"))


def test_page_says_what_is_wrong_before_anything_else() -> None:
    for name, told in (
        ("suspicious", "the baseline is suspicious"),
        ("incomplete", "INCOMPLETE: 6"),
    ):
        assert told in text_of(name).partition("<nav")[0]


def test_reports_are_the_same_each_time() -> None:
    again = STUDIES["typical"].__wrapped__()  # made anew
    assert html(again) == text_of("typical")
    assert markdown(again) == markdown(STUDIES["typical"]())


@EVERY
def test_markdown_has_all_parts_and_no_markup_of_others(name: str) -> None:
    text = markdown(STUDIES[name]())
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    assert headings == [
        "Comparison of low-bit nets", "Results", "Figures", "All pairs", "How it was done",
        "How to reproduce it",
    ]  # fmt: skip # one line for each would hide that it is a list
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"(?<!\\)<", outside)
    for block in re.split(r"\n\n", outside):
        if block.startswith("|"):
            lines = block.split("\n")
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_markdown_has_its_figures_beside_it(tmp_path: Path) -> None:
    path = typical().report(tmp_path / "results" / "README.md")
    images = re.findall(r"!\[.+\]\((.+)\)", path.read_text("utf-8"))
    assert len(images) == 4
    assert {file.name for file in path.parent.iterdir()} == {"README.md", *images}
    for image in images:
        assert (path.parent / image).read_bytes().startswith(b"\x89PNG")


@EVERY
def test_the_call_makes_the_same_configs(name: str) -> None:
    comparison = STUDIES[name]()
    [_, expression] = ast.parse(call(comparison)).body
    assert isinstance(expression, ast.Expr)
    assert isinstance(expression.value, ast.Call)
    given = {
        keyword.arg: eval(ast.unparse(keyword.value), {"Config": Config})
        for keyword in expression.value.keywords
        if keyword.arg != "loss"
    }
    assert given["seeds"] == [*comparison.seeds]
    assert (given["epochs"], given["lr"], given["optimizer"]) == (
        comparison.plan.configuration["recipe"]["epochs"], 0.001, "adam",
    )  # fmt: skip # a pair of triples
    if "weights" in given:
        weights = [*dict.fromkeys(config.weight or "float" for config in comparison.configs)]
        assert given["weights"] == weights
    else:
        assert given["configs"] == [*comparison.configs]


def test_the_call_of_a_grid_makes_the_grid() -> None:
    configs = [Config(weight=w, input=a) for w in (None, "binary:1") for a in (None, "uniform:4")]
    text = call(study({config: around(0.95) for config in configs}))
    given = {k.arg: k.value for k in ast.parse(text).body[1].value.keywords}
    lists = [ast.literal_eval(given[name]) for name in ("weights", "activations")]
    assert {*configs_of(*lists, None)[0]} == {*configs}


def test_the_call_says_how_seeds_and_recipes_were_chosen_and_what_was_measured() -> None:
    found = typical()
    tried = Tried("float", {"lr": 0.1}, 0.9, 1.0, chosen=True)
    tuning = Tuning(2, 100, (tried, replace(tried, recipe={"lr": 0.2}, chosen=False)))
    plan = replace(
        found.plan,
        question=Question(looks=looks_until(10)),
        tuning=tuning,
        configuration={**found.plan.configuration, "measure": {"is": "mine.measure"}},
    )
    text = call(replace(found, plan=plan))
    seeds = ", ".join(map(str, found.seeds))
    assert f'    seeds="auto",  # it took {seeds}\n    max_seeds=10,\n' in text
    assert "# The recipes of the configs were chosen by tune={'lr': [0.1, 0.2], " in text
    assert "    measure=measure,  # mine.measure " in text
    ast.parse(text)


def test_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"must end in \.html or \.md"):
        typical().report(tmp_path / "report.pdf")
    with pytest.raises(CompareError, match="no run has been trained"):
        nothing_done().report(tmp_path / "report.html")
    assert not [*tmp_path.iterdir()]


def test_a_real_study_is_reported(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(int)
    with ThreadPoolExecutor(1) as executor:
        found = qnn.compare(
            partial(qnn.MLP, [8, 16, 2], batch_norm=True),
            ((x[:100], y[:100]), (x[100:], y[100:])),
            weights=["symmetric", "binary"],
            bits=[1, 2, 32],
            seeds=2,
            epochs=2,
            executor=executor,
            store=tmp_path / "store",
            progress=False,
        )
    again = Comparison.load(tmp_path / "store")
    path = again.report(tmp_path / "report.html")
    assert path.read_text("utf-8") == html(found)
    assert {"symmetric:2", "binary:1"} <= {text for _, text in Page(html(found)).all("th")}
    assert "left out, binary:2" in str(again)
