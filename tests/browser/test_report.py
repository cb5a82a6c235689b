"""The report in a real browser, at the sizes of a desk and of a hand."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shown_studies import STUDIES

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# No screen, no sandbox (root has none), and no conversations with its maker.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"desk": {"width": 1280, "height": 800}, "hand": {"width": 390, "height": 844}}
SHOWN = ("typical", "one_seed", "one_config", "many", "long_names", "incomplete", "suspicious")

# Texts with less contrast to what is behind them than WCAG 2.2 asks for (AA, 4.5 to 1).
PALE = """() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const pale = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || ["SCRIPT", "STYLE"].includes(e.tagName) || !e.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) pale.push(`${e.tagName} ${e.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return pale;
}"""
PATIENCE = 240_000.0  # milliseconds, of a machine that is busy with other things


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    given = os.environ.get("QNN_CHROMIUM")
    found = given or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail(
            f"there is no browser: install one of {', '.join(BROWSERS)} "
            "(Debian: apt-get install chromium), or name one in QNN_CHROMIUM",
            pytrace=False,
        )
    # Not at the top: other tests are run where there is no playwright.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 # it is optional

    with sync_playwright() as started:
        launched = started.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    return {name: STUDIES[name]().report(folder / f"{name}.html") for name in SHOWN}


class Opened:
    """A page, and what it said and asked for."""

    def __init__(self, browser: Any, path: Path, size: str, scheme: str = "light") -> None:
        context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

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
) -> Iterator[Opened]:
    name, size, *scheme = request.param
    found = Opened(browser, reports[name], size, *scheme)
    yield found
    found.page.context.close()


def shown(*names: str, schemes: tuple[str, ...] = ("light",)) -> pytest.MarkDecorator:
    given = [(n, size, scheme) for n in names for size in SIZES for scheme in schemes]
    return pytest.mark.parametrize("opened", given, indirect=True, ids="-".join)


@shown(*SHOWN)
def test_page_is_quiet_asks_for_nothing_and_fits(opened: Opened) -> None:
    page = opened.page
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"]
    assert opened.said == []
    assert [url.partition(":")[0] for url in opened.asked if not url.startswith("data:")] == [
        "file"
    ]


@shown(*SHOWN)
def test_figures_are_visible(opened: Opened, request: pytest.FixtureRequest) -> None:
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
def test_a_click_sorts_numbers_as_numbers_and_the_next_turns_them_around(opened: Opened) -> None:
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
def test_the_keyboard_sorts(opened: Opened) -> None:
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
def test_what_has_no_value_comes_last_both_ways(opened: Opened) -> None:
    for _ in range(2):
        opened.header("accuracy %").locator("button").click()
        assert opened.column("accuracy %")[-1] == "not run"


@shown("typical", "many")
def test_the_matrix_has_the_verdicts(opened: Opened, request: pytest.FixtureRequest) -> None:
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
def test_headers_of_the_matrix_stay_where_one_scrolls(opened: Opened) -> None:
    box = opened.page.locator(".matrix")
    box.scroll_into_view_if_needed()
    box.evaluate("one => one.scrollTo(600, 400)")
    assert box.evaluate("one => [one.scrollLeft, one.scrollTop]") == [600, 400]
    frame = box.bounding_box()
    assert opened.page.locator("#matrix thead th").first.bounding_box()["y"] < frame["y"] + 2
    assert opened.page.locator("#matrix tbody th").first.bounding_box()["x"] < frame["x"] + 2


@shown("typical", "suspicious", schemes=("light", "dark"))
def test_texts_have_contrast(opened: Opened) -> None:
    opened.page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    assert opened.page.evaluate(PALE) == []
    ground = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = opened.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert ground == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")


@shown("typical")
def test_without_scripts_all_is_there(opened: Opened, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(opened.page.url)
    assert page.locator("#configs tbody tr").count() == len(STUDIES["typical"]().configs)
    context.close()
