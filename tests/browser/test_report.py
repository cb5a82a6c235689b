"""The report in a real browser, at the sizes of a desk and of a hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opened_pages import PALE, PATIENCE, SIZES, Opened
from shown_studies import STUDIES

pytestmark = pytest.mark.browser

SHOWN = ("typical", "one_seed", "one_config", "many", "long_names", "incomplete", "suspicious")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    return {name: STUDIES[name]().report(folder / f"{name}.html") for name in SHOWN}


class OpenedReport(Opened):
    """A report, and its tables."""

    def column(self, header: str, table: str = "configs") -> list[str]:
        names = self.page.locator(f"#{table} thead th").all_inner_texts()
        at = [name.strip() for name in names].index(header)
        runs = self.page.locator(f"#{table} tbody tr > :nth-child({at + 1})")
        return [text.replace("\xa0", " ") for text in runs.all_text_contents()]

    def header(self, name: str, table: str = "configs") -> Any:
        return self.page.locator(f"#{table} thead th", has_text=name).first


@pytest.fixture
def opened(
    browser: Any, reports: dict[str, Path], request: pytest.FixtureRequest
) -> Iterator[OpenedReport]:
    name, size, *scheme = request.param
    found = OpenedReport(browser, reports[name], size, *scheme)
    yield found
    found.page.context.close()


def shown(*names: str, schemes: tuple[str, ...] = ("light",)) -> pytest.MarkDecorator:
    given = [(n, size, scheme) for n in names for size in SIZES for scheme in schemes]
    return pytest.mark.parametrize("opened", given, indirect=True, ids="-".join)


@shown(*SHOWN)
def test_page_is_quiet_asks_for_nothing_and_fits(opened: OpenedReport) -> None:
    page = opened.page
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"]
    assert opened.said == []
    assert [url.partition(":")[0] for url in opened.asked if not url.startswith("data:")] == [
        "file"
    ]


@shown(*SHOWN)
def test_figures_are_visible(opened: OpenedReport, request: pytest.FixtureRequest) -> None:
    images = opened.page.locator("figure img")
    alone = request.node.callspec.params["opened"][0] == "one_config"
    assert images.count() == (3 if alone else 4)
    for image in images.all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("one => one.complete && one.naturalWidth > 300")
        box = image.bounding_box()
        assert box["width"] > 300
        assert box["height"] > 200


def numbers(texts: list[str]) -> list[float]:
    return [float(text.partition(" ")[0].replace(",", "")) for text in texts]


@shown("typical", "many")
def test_a_click_sorts_numbers_as_numbers_and_the_next_turns_them_around(
    opened: OpenedReport,
) -> None:
    before = numbers(opened.column("packed bytes"))
    assert before != sorted(before)
    header = opened.header("packed bytes")
    header.locator("button").click()
    assert numbers(opened.column("packed bytes")) == sorted(before)
    assert header.get_attribute("aria-sort") == "ascending"
    header.locator("button").click()
    assert numbers(opened.column("packed bytes")) == sorted(before, reverse=True)
    assert header.get_attribute("aria-sort") == "descending"
    opened.header("accuracy %").locator("button").click()
    assert numbers(opened.column("accuracy %")) == sorted(numbers(opened.column("accuracy %")))
    assert opened.page.locator("[aria-sort]").count() == 1


@shown("typical")
def test_the_keyboard_sorts(opened: OpenedReport) -> None:
    header = opened.header("series")
    header.locator("button").focus()
    opened.page.keyboard.press("Enter")
    names = opened.column("series")
    assert names == sorted(names)
    opened.page.keyboard.press("Space")
    assert opened.column("series") == sorted(names, reverse=True)
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.textContent") == "bits"
    focus = "getComputedStyle(document.activeElement).outlineStyle"
    assert opened.page.evaluate(focus) == "solid"


@shown("incomplete")
def test_what_has_no_value_comes_last_both_ways(opened: OpenedReport) -> None:
    for _ in range(2):
        opened.header("accuracy %").locator("button").click()
        assert opened.column("accuracy %")[-1] == "not run"


@shown("typical", "many")
def test_the_matrix_has_the_verdicts(opened: OpenedReport, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["opened"][0]
    columns, *rows = opened.page.locator("#matrix tr").all()
    others = columns.locator("th").all_text_contents()
    found = {}
    for row in rows:
        config = row.locator("th").text_content()
        verdicts = row.locator("td").evaluate_all(
            "runs => runs.map(one => one.querySelector('.verdict')?.dataset.verdict)"
        )
        found |= {
            (config, b): verdict for b, verdict in zip(others, verdicts, strict=True) if verdict
        }
    assert found == STUDIES[name]().verdicts


@shown("many")
def test_headers_of_the_matrix_stay_where_one_scrolls(opened: OpenedReport) -> None:
    box = opened.page.locator(".matrix")
    box.scroll_into_view_if_needed()
    box.evaluate("one => one.scrollTo(600, 400)")
    assert box.evaluate("one => [one.scrollLeft, one.scrollTop]") == [600, 400]
    frame = box.bounding_box()
    assert opened.page.locator("#matrix thead th").first.bounding_box()["y"] < frame["y"] + 2
    assert opened.page.locator("#matrix tbody th").first.bounding_box()["x"] < frame["x"] + 2


@shown("typical", "suspicious", schemes=("light", "dark"))
def test_texts_have_contrast(opened: OpenedReport) -> None:
    opened.page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    assert opened.page.evaluate(PALE) == []
    ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = opened.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert ground == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")


@shown("typical")
def test_without_scripts_all_is_there(opened: OpenedReport, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(opened.page.url)
    assert page.locator("#configs tbody tr").count() == len(STUDIES["typical"]().configs)
    context.close()
