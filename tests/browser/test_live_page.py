"""Nets in a page, in a real browser: the bits of Python's engine, and what a user does."""

import base64
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pytest
import qnn_core as qnn
import qnn_data
import studies_to_compare
from live_nets import FUNCTIONS, OfOne, data, packed, schemes, wholes
from opened_pages import PALE, SIZES, Opened
from qnn_compare import compare
from qnn_core.deploy.browser.blob import Blob
from qnn_core.deploy.browser.lower import lower
from qnn_core.errors import NonFiniteError

pytestmark = pytest.mark.browser

ENDS = ("first_weight", "first_input", "last_weight", "last_input")
BUILDS = {
    "float": partial(qnn.MLP, [784, 64, 10], batch_norm=True),
    "1 bit": partial(
        qnn.MLP,
        [784, 64, 64, 10],
        weight="binary",
        input="binary",
        **dict.fromkeys(ENDS, "binary"),
        batch_norm=True,
        activation="hardtanh",
    ),
    "2 bits": partial(
        qnn.MLP, [784, 64, 10], weight="symmetric:2", input="uniform:2", batch_norm=True
    ),
    "4 bits": partial(
        qnn.MLP,
        [784, 64, 10],
        weight="symmetric:4",
        input="uniform:4",
        **dict.fromkeys(ENDS, "symmetric:4"),
    ),
    "8 bits": partial(
        qnn.MLP,
        [784, 64, 10],
        weight="symmetric:8",
        input="uniform:8",
        **dict.fromkeys(ENDS, "symmetric:8"),
    ),
    "LeNet, 2 bits": partial(qnn.LeNet, weight="symmetric:2", input="uniform:2", batch_norm=True),
}


@pytest.fixture(scope="module")
def nets() -> dict[str, qnn.PackedModel]:
    """Nets that were trained for a moment."""
    train, test = qnn_data.load("mnist-mini")
    images, labels = train[:500]
    made = {}
    for name, build in BUILDS.items():
        shape = (-1, 28, 28, 1) if "LeNet" in name else (-1, 784)
        model = build(seed=0)
        optimizer = qnn.optim.Adam(model.parameters(), lr=1e-3)
        qnn.fit(model, (images.reshape(shape), labels), epochs=2, optimizer=optimizer)
        made[name] = qnn.pack(model, test[:20][0].reshape(shape))
    return made


@pytest.fixture(scope="module")
def digits(nets: dict[str, qnn.PackedModel], tmp_path_factory: pytest.TempPathFactory) -> Path:
    _, test = qnn_data.load("mnist-mini")
    folder = tmp_path_factory.mktemp("live")
    return qnn.page(nets, folder / "digits.html", samples=test.images[:10]).path


@pytest.fixture
def opened(browser: Any, digits: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    given = getattr(request, "param", ("desk",))
    found = Opened(browser, digits, *given)
    found.page.evaluate("qnn.ready")
    yield found
    found.page.context.close()


def sizes(*schemes: str) -> pytest.MarkDecorator:
    given = list(itertools.product(SIZES, schemes))
    return pytest.mark.parametrize("opened", given, indirect=True, ids="-".join)


def test_all_images_of_the_test_set_have_the_answers_of_python(
    opened: Opened, nets: dict[str, qnn.PackedModel]
) -> None:
    _, test = qnn_data.load("mnist-mini")
    images, _ = test[:]
    assert len(images) == 1000
    for number, net in enumerate(nets.values()):
        found = chromium.answers(opened.page, number, images)
        wanted = net(images.reshape(-1, *net.graph.inputs[0].shape))
        np.testing.assert_array_equal(found.view(np.uint32), wanted.view(np.uint32))


ALONE = """([program, arrays, inputs]) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const net = new Engine.Net(Engine.filled(program, bytes(arrays)));
  const run = (text) => net.run(new Float32Array(bytes(text)));
  return inputs.map((text) => run(text).map((y) => [...new Uint8Array(y.buffer)]));
}"""


def test_every_scheme_and_every_step(opened: Opened) -> None:
    made = dict(schemes()) | wholes()
    made |= {name: partial(_of_images, name) for name in FUNCTIONS}
    del made["softmax"]  # it ends before it, which tests of the page itself say
    for name, make in made.items():
        model, x = make()
        net = packed(model, x)
        wanted = net(x)
        lowered = lower(net.graph, Blob())
        given = [lowered.program, _text(lowered.blob.content), [_text(one.tobytes()) for one in x]]
        found = opened.page.evaluate(ALONE, given)
        for output, theirs in enumerate(wanted if isinstance(wanted, tuple) else (wanted,)):
            ours = np.array([sample[output] for sample in found], np.uint8).view(np.uint32)
            flat = np.ascontiguousarray(theirs.reshape(len(x), -1)).view(np.uint32)
            assert np.array_equal(ours, flat), name


def _of_images(name: str) -> tuple[Any, np.ndarray]:
    return OfOne(FUNCTIONS[name]), data(3, 6, 5, 4)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@sizes("light", "dark")
def test_page_is_quiet_asks_for_nothing_and_fits(opened: Opened) -> None:
    page = opened.page
    for view in ("codes", "bits"):
        page.locator("#view").select_option(view)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"]
    assert opened.said == []
    assert [url.partition(":")[0] for url in opened.asked if not url.startswith("data:")] == [
        "file"
    ]
    assert page.evaluate(PALE) == []


def test_it_says_that_its_answers_are_python_s(opened: Opened) -> None:
    told = opened.page.locator("#checked").inner_text()
    assert told.startswith("Tried in this browser just now: 48 of 48 answers")
    assert all(" ms" in facts for facts in opened.page.locator(".facts").all_inner_texts())


def test_a_wrong_bit_would_be_said(
    browser: Any, nets: dict[str, qnn.PackedModel], tmp_path: Path
) -> None:
    page = nets["2 bits"].page(tmp_path / "net.html").path
    text = page.read_text(encoding="utf-8")
    assert text.count("f(x[i] - shift[c % shift.length])") == 1
    page.write_text(text.replace("f(x[i] - shift[c % shift.length])", "f(x[i] + 0.1)"))
    opened = Opened(browser, page, "desk")
    opened.page.evaluate("qnn.ready")
    told = opened.page.locator("#checked").inner_text()
    assert told.startswith("THIS BROWSER COMPUTES OTHERWISE: only ")
    opened.page.context.close()


def draw(page: Any, *points: tuple[float, float]) -> None:
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


@sizes("light")
def test_what_is_drawn_is_answered(opened: Opened, nets: dict[str, qnn.PackedModel]) -> None:
    page = opened.page
    page.locator("#clear").click()
    assert page.locator(".word").all_inner_texts() == ["\N{EN DASH}"] * len(nets)
    draw(page, (0.5, 0.1), (0.5, 0.9))
    given = page.evaluate("[...qnn.page.given]")
    x = np.array([given], np.float32)
    for word, net in zip(page.locator(".word").all_inner_texts(), nets.values(), strict=True):
        (wanted,) = net.predict(x.reshape(-1, *net.graph.inputs[0].shape))
        assert word.split()[0] == str(wanted)


def test_a_drawing_becomes_pixels_as_mnist_s(opened: Opened) -> None:
    page = opened.page
    for strokes in ("Drawing.FIRST", "[[[0.1, 0.1], [0.2, 0.15], [0.12, 0.3]]]", "[[[0.5, 0.5]]]"):
        pixels = np.array(page.evaluate(f"[...Drawing.pixels({strokes}, 28, 28)]")).reshape(28, 28)
        rows, columns = np.nonzero(pixels > 100)
        longer = max(np.ptp(rows), np.ptp(columns)) + 1
        assert longer in ((19, 20, 21) if "0.12" in strokes or "FIRST" in strokes else (2, 3))
        total = pixels.sum()
        centre = [(pixels.sum(axis) * np.arange(28)).sum() / total for axis in (0, 1)]
        assert np.allclose(centre, 14, atol=0.1)
    assert page.evaluate("Math.max(...Drawing.pixels([], 28, 28))") == 0


def test_samples_are_answered(opened: Opened, nets: dict[str, qnn.PackedModel]) -> None:
    _, test = qnn_data.load("mnist-mini")
    images, _ = test[:10]
    buttons = opened.page.locator("#samples button")
    assert buttons.count() == 10
    for number in (3, 9):
        buttons.nth(number).click()
        first = opened.page.locator(".word").first.inner_text().split()[0]
        assert first == str(nets["float"].predict(images)[number])


def test_the_inside_is_shown_as_it_is(opened: Opened, nets: dict[str, qnn.PackedModel]) -> None:
    page = opened.page
    assert page.locator(".pictures canvas").count() == 0
    page.locator("#inside").check()
    shown = page.locator(".net").nth(1).locator("figcaption").all_inner_texts()
    assert shown[0] == "codes into layers.0: 1 bit, 784"
    assert shown[1] == "weights of layers.0: 1 bit, 16 of 64 of 28 x 28"
    # A picture of one bit has two colours; codes of the binary input are pixels above the mean.
    seen = page.evaluate(
        """() => {
          const canvas = document.querySelectorAll(".net")[1].querySelector("canvas");
          const data = canvas.getContext("2d").getImageData(0, 0, 28, 28).data;
          return [...data].filter((_, n) => n % 4 === 0);
        }"""
    )
    given = np.array(page.evaluate("[...qnn.page.given]"), np.float32)
    np.testing.assert_array_equal(np.array(seen) == min(seen), given >= 0)
    page.locator("#view").select_option("bits")
    planes = page.locator(".net").nth(4).locator("figure").first.locator("canvas")
    assert planes.count() == 8


@pytest.fixture
def signals(browser: Any, tmp_path: Path) -> Iterator[tuple[Opened, qnn.PackedModel]]:
    net = packed(*wholes()["signal"]())
    names = ["rest", "walk", "run", "fall"]
    how: dict[str, Any] = {"transform": (0.5, [0.25, 2]), "classes": names}
    opened = Opened(browser, net.page(tmp_path / "signal.html", **how).path, "hand")
    opened.page.evaluate("qnn.ready")
    yield opened, net
    opened.page.context.close()


def test_a_csv_of_signals(signals: tuple[Opened, qnn.PackedModel]) -> None:
    opened, net = signals
    raw = data(2, 20, 2)
    lines = ["x,y", *(",".join(map(str, row)) for row in raw.reshape(40, 2))]
    opened.page.locator("#csv").fill("\n".join(lines))
    std = np.float32([0.25, 2])
    wanted = net.predict((raw - np.float32(0.5)) * (np.float32(1) / std))
    names = ["rest", "walk", "run", "fall"]
    for number, answer in enumerate(wanted):
        opened.page.locator("#row").fill(str(number + 1))
        assert opened.page.locator(".word").inner_text().split()[0] == names[answer]
    assert opened.page.locator(".row").inner_text().endswith("of 2")
    assert opened.said == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1,2\n3,x", 'line 2, column 2: "x" is no finite number'),
        ("1,2\n3,4", "line 1 has 2 numbers: 40 are needed, or 20 rows of 2"),
        ("nan,nan\n1,2", 'line 1, column 1: "nan" is no finite number'),
        ("1,,2", 'line 1, column 2: "" is no finite number'),
    ],
)
def test_what_is_wrong_in_a_csv_is_said(
    signals: tuple[Opened, qnn.PackedModel], text: str, told: str
) -> None:
    opened, _ = signals
    opened.page.locator("#csv").fill(text)
    assert opened.page.locator(".wrong").inner_text() == told
    assert opened.page.locator(".word").inner_text() == "\N{EN DASH}"


def test_numbers_of_a_file_and_a_number_as_answer(browser: Any, tmp_path: Path) -> None:
    model = qnn.MLP([3, 8, 1], weight="symmetric:4", input="uniform:4", seed=0)
    net = packed(model, data(4, 3))
    opened = Opened(browser, net.page(tmp_path / "numbers.html").path, "desk")
    opened.page.evaluate("qnn.ready")
    (tmp_path / "some.csv").write_text("0.5; -1; 2\n")
    opened.page.locator("input[type=file]").set_input_files(tmp_path / "some.csv")
    shown = opened.page.locator(".word")
    opened.page.wait_for_function("document.querySelector('.word').textContent !== '\\u2013'")
    (wanted,) = net.predict(np.float32([[0.5, -1, 2]]), task="regression")
    assert float(shown.inner_text()) == pytest.approx(float(wanted), rel=1e-4)
    opened.page.context.close()


def test_where_numbers_overflow_there_is_no_answer(browser: Any, tmp_path: Path) -> None:
    net = packed(qnn.MLP([2, 3, 3], seed=0), data(4, 2))
    opened = Opened(browser, net.page(tmp_path / "numbers.html").path, "desk")
    opened.page.evaluate("qnn.ready")
    said, word = opened.page.locator("#said"), opened.page.locator(".word")
    for given, told in [
        ("1,2", "The net says "),
        ("1e39,2", "No answer. the net: input: Infinity at 0 is not finite."),
        ("3e38,-3e38", "No answer. the net: its scores are not finite."),
        ("1,2", "The net says "),
    ]:
        opened.page.locator("#csv").fill(given)
        assert said.inner_text().startswith(told)
        assert (word.inner_text() == "\N{EN DASH}") is told.startswith("No answer")
    with pytest.raises(NonFiniteError, match="no class"):
        net.predict(np.float32([[3e38, -3e38]]))
    assert opened.said == []
    opened.page.context.close()


def test_without_scripts_it_says_why_nothing_happens(browser: Any, digits: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(digits.as_uri())
    assert "turned off here" in page.locator("noscript").inner_text()
    context.close()


def test_a_report_leads_to_the_nets_that_it_is_about(browser: Any, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        found = compare(
            studies_to_compare.net,
            studies_to_compare.data(),
            weights=["symmetric"],
            bits=[2, 32],
            seeds=2,
            epochs=1,
            store=tmp_path / "store",
            keep_packed=True,
            executor=executor,
            progress=False,
        )
    opened = Opened(browser, found.report(tmp_path / "a report.html"), "hand")
    opened.page.locator("nav a", has_text="The nets, live").click()
    opened.page.evaluate("qnn.ready")
    assert opened.page.locator("h1").inner_text() == "The nets of the comparison, live"
    assert opened.page.locator(".net h3").all_inner_texts() == ["float", "symmetric:2"]
    assert opened.page.locator("#checked").inner_text().startswith("Tried in this browser just now")
    opened.page.context.close()
