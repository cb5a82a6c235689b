"""The documentation site as a reader has it: from a folder, wide and narrow, light and dark.

`nox -s docs` makes it and says in QNN_SITE where it is.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chromium
import pytest

pytestmark = pytest.mark.site

SIZES = {"desk": {"width": 1280, "height": 900}, "hand": {"width": 390, "height": 844}}
PAGES = (
    "index.html",
    "live.html",
    "start.html",
    "how-to/small-board.html",
    "notebooks/first_net.html",
    "reference/operations.html",
    "reference/schemes.html",
    "schemes.html",
    "results/bits/README.html",
)
PATIENCE = 240_000.0  # milliseconds, of a machine that is busy with other things
SITE = Path(os.environ.get("QNN_SITE", "site"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = chromium.found()
    if found is None:
        pytest.fail(chromium.MISSING, pytrace=False)
    with chromium.launched(found) as launched:
        yield launched


class Opened:
    """A page of the site, and what it said and asked for."""

    def __init__(self, browser: Any, name: str, size: str, scheme: str = "light") -> None:
        self.context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.said: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._asked)
        path, _, query = name.partition("?")
        self.page.goto(f"{(SITE / path).resolve().as_uri()}?{query}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.elsewhere.append(request.url)


@pytest.fixture
def opened(browser: Any, request: pytest.FixtureRequest) -> Iterator[Opened]:
    found = Opened(browser, *request.param)
    yield found
    found.context.close()


def shown(*names: str, schemes: tuple[str, ...] = ("light",)) -> pytest.MarkDecorator:
    given = [(n, size, scheme) for n in names for size in SIZES for scheme in schemes]
    return pytest.mark.parametrize("opened", given, indirect=True, ids="-".join)


@shown(*PAGES, schemes=("light", "dark"))
def test_a_page_is_quiet_asks_for_nothing_and_fits(opened: Opened) -> None:
    width = opened.page.evaluate("document.documentElement.scrollWidth")
    assert width <= opened.page.viewport_size["width"]
    assert opened.said == []
    assert opened.elsewhere == []


@shown("reference/schemes.html", "notebooks/gradients.html")
def test_pictures_are_visible(opened: Opened) -> None:
    pictures = opened.page.locator("article svg.picture, article img")
    assert pictures.count() >= 3
    for picture in pictures.all()[:6]:
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        assert box["width"] > 200
        assert box["height"] > 80


@pytest.mark.parametrize(
    ("opened", "first"),
    [
        (("search.html?q=relu", "desk"), {"qnn_core.nn.ReLU", "qnn_core.ops.relu"}),
        (("search.html?q=from_torch", "hand"), {"qnn_core.from_torch"}),
    ],
    indirect=["opened"],
    ids=["relu", "from_torch"],
)
def test_the_search_works_from_a_folder(opened: Opened, first: set[str]) -> None:
    results = opened.page.locator("#search-results li a")
    results.first.wait_for()
    assert first <= {result.inner_text() for result in results.all()[:4]}
    assert opened.said == []
    assert opened.elsewhere == []


@shown("notebooks/a_weight.html")
def test_a_solution_is_folded_and_opens(opened: Opened) -> None:
    solution = opened.page.locator("details.hide")
    assert solution.get_attribute("open") is None
    solution.locator("summary").click()
    assert solution.locator("pre").first.is_visible()


def test_notebooks_lie_beside_their_pages_with_what_they_printed() -> None:
    scripts = sorted(Path(__file__).parents[2].glob("docs/notebooks/*.py"))
    assert len(scripts) >= 7
    for script in scripts:
        notebook = (SITE / "notebooks" / f"{script.stem}.ipynb").read_text(encoding="utf-8")
        assert '"output_type": "stream"' in notebook
        assert "Traceback" not in notebook
        assert (SITE / "notebooks" / script.name).read_bytes() == script.read_bytes()
