"""The page that can be opened while a study runs."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
import qnn_core as qnn
from qnn_compare.report import live
from qnn_core.errors import SpecError
from studies_to_compare import data, net

SMALL: dict[str, Any] = {
    "weights": ["symmetric"], "bits": [2, 32], "seeds": 2, "epochs": 1, "batch_size": 20,
    "progress": False,
}  # fmt: skip # one line for each would hide that it is short
REFRESH = '<meta http-equiv="refresh" content="'


@pytest.mark.parametrize("more", [{}, {"seeds": "auto", "max_seeds": 3}])
@pytest.mark.parametrize("kept", [True, False])
def test_the_page_shows_what_is_done_so_far(
    thread: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: Any, kept: bool
) -> None:
    monkeypatch.setattr(live.LivePage, "is_due", True)
    pages: list[str] = []
    path = tmp_path / "new" / "page.html"
    write = live.LivePage.show

    def noted(page: live.LivePage, comparison: qnn.Comparison) -> None:
        write(page, comparison)
        pages.append(path.read_text("utf-8"))

    monkeypatch.setattr(live.LivePage, "show", noted)
    store = tmp_path / "store" if kept else None
    found = qnn.compare(net, data(), executor=thread, store=store, page=path, **SMALL | more)
    runs = len(found.results)
    assert len(pages) == runs
    assert f"INCOMPLETE: 1 of {runs} runs" in pages[0]
    assert all(REFRESH in page for page in pages)
    # The one that stays is that of the whole study, as any other report of it.
    last = path.read_text("utf-8")
    assert REFRESH not in last
    assert "INCOMPLETE" not in last
    assert last == found.report(tmp_path / "report.html").read_text("utf-8")


def test_pages_are_rare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr("qnn_compare.report.live.time.monotonic", lambda: now)
    page = live.LivePage(tmp_path / "page.html")
    assert not page.is_due  # a study of seconds has one page, at its end
    now += 31
    assert page.is_due
    comparison = qnn.Comparison.from_results({"a": {0: 0.5}, "b": {0: 0.5}})
    (tmp_path / "file").write_text("", "utf-8")
    page.path = tmp_path / "file" / "page.html"  # what cannot be written ends no study
    page.show(comparison)
    assert not page.is_due
    now += 11
    assert page.is_due
    page.end(comparison)
    assert "cannot be written" in capsys.readouterr().err


def test_a_page_that_is_none(thread: Executor, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"page .*page\.pdf must end in \.html"):
        qnn.compare(net, data(), executor=thread, page=tmp_path / "page.pdf", **SMALL)


def test_a_page_that_cannot_be_written_loses_nothing(
    thread: Executor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    found = qnn.compare(net, data(), executor=thread, page=tmp_path / "file" / "p.html", **SMALL)
    assert found.complete
    assert "cannot be written" in capsys.readouterr().err
    assert (tmp_path / "file").read_text("utf-8") == ""
