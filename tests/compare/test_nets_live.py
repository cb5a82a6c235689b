"""Packed nets that a study keeps, and the page beside its report in which they answer."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, compare
from qnn_core import ops
from qnn_core.errors import CompareError, SpecError
from studies_to_compare import data, net


def study(folder: Path | None, build: Any = net, **how: Any) -> Comparison:
    given: dict[str, Any] = {"weights": ["symmetric"], "bits": [2, 4, 32], "epochs": 2, "seeds": 2}
    with ThreadPoolExecutor(1) as executor:
        return compare(
            build, data(), executor=executor, progress=False, store=folder, **given | how
        )


def test_the_packed_net_of_the_first_seed_is_kept(tmp_path: Path) -> None:
    found = study(tmp_path / "store", keep_packed=True)
    files = found.packed
    assert [*files] == ["float", "symmetric:2", "symmetric:4"]
    assert sorted(files.values()) == sorted((tmp_path / "store" / "packed").iterdir())
    (_, _), (x, labels) = data()
    for name, path in files.items():
        result = found.results[name, 0]
        assert path.stat().st_size == result.nbytes
        np.testing.assert_array_equal(qnn.load(path).predict(x) == labels, result.correct)
    assert Comparison.load(tmp_path / "store").packed == files


def test_it_costs_nothing_where_nobody_asks(tmp_path: Path) -> None:
    found = study(tmp_path / "store")
    assert found.packed == {}
    assert not (tmp_path / "store" / "packed").exists()
    assert all(result.packed is None for result in found.results.values())
    found.report(tmp_path / "report.html")
    assert not (tmp_path / "report-live.html").exists()
    assert "-live.html" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    with pytest.raises(SpecError, match=r"live= is for packed nets that were kept"):
        found.report(tmp_path / "other.html", live={})


def test_it_wants_a_store() -> None:
    with pytest.raises(CompareError, match="keep_packed=True is for a study with a store="):
        study(None, keep_packed=True)


def test_more_runs_keep_their_nets_too(tmp_path: Path) -> None:
    study(tmp_path / "store", bits=[2, 32])
    found = study(tmp_path / "store", keep_packed=True)
    assert [*found.packed] == ["symmetric:4"]  # the others are not trained again for it


def test_looks_until_it_is_decided_keep_them(tmp_path: Path) -> None:
    found = study(tmp_path / "store", keep_packed=True, seeds="auto", max_seeds=5)
    assert [*found.packed] == ["float", "symmetric:2", "symmetric:4"]


def test_a_report_links_to_the_page_in_which_they_answer(tmp_path: Path) -> None:
    found = study(tmp_path / "store", keep_packed=True)
    path = found.report(tmp_path / "a report.html", live={"classes": ["a", "b", "c"]})
    report = path.read_text(encoding="utf-8")
    assert report.count('href="a%20report-live.html"') == 2
    page = (tmp_path / "a report-live.html").read_text(encoding="utf-8")
    content = json.loads(re.findall(r'id="content">(.*?)</script>', page)[0])
    assert [one["name"] for one in content["nets"]] == [*found.packed]
    assert content["answers"]["classes"] == ["a", "b", "c"]
    with pytest.raises(SpecError, match="3 names of classes are needed"):
        found.report(path, live={"classes": ["a"]})
    with pytest.raises(SpecError, match=r"of a page of HTML"):
        found.report(tmp_path / "report.md", live={})


def with_exp(weight: Any, input: Any, seed: int) -> qnn.Module:
    """Return a net whose float form has an operation without a form in JavaScript."""
    inner = qnn.MLP([6, 12, 3], weight=weight, input=input, seed=seed)
    return qnn.Sequential(inner, Exp() if weight is None else qnn.ReLU())


class Exp(qnn.Module):
    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return ops.exp(x)


def test_nets_that_the_page_cannot_have_are_named(tmp_path: Path) -> None:
    found = study(tmp_path / "store", with_exp, keep_packed=True)
    report = found.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Nets that do not answer in the live page" in report
    assert re.search(r"\(exp in .*\) has no form in JavaScript with the same bits", report)
    page = (tmp_path / "report-live.html").read_text(encoding="utf-8")
    assert "symmetric:4" in page
    assert '"name":"float"' not in page


def all_with_exp(weight: Any, input: Any, seed: int) -> qnn.Module:
    """Return a net that has no form in JavaScript, whatever its quantizers."""
    return qnn.Sequential(qnn.MLP([6, 12, 3], weight=weight, input=input, seed=seed), Exp())


def test_a_report_is_written_where_there_can_be_no_page(tmp_path: Path) -> None:
    found = study(tmp_path / "store", all_with_exp, keep_packed=True)
    report = found.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "page: at least one net is needed" in report
    assert "report-live.html" not in report
    with pytest.raises(SpecError, match="at least one net"):
        found.report(tmp_path / "report.html", live={})


def test_a_damaged_file_is_left_out(tmp_path: Path) -> None:
    found = study(tmp_path / "store", keep_packed=True)
    found.packed["symmetric:2"].write_bytes(b"no net")
    report = found.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "is not a whole file" in report
    assert "symmetric:2" not in (tmp_path / "report-live.html").read_text(encoding="utf-8")


def test_runs_elsewhere_have_none(tmp_path: Path) -> None:
    results = {"a": {0: 0.9, 1: 0.8}, "b": {0: 0.8, 1: 0.7}}
    found = Comparison.from_results(results)
    assert found.packed == {}
    found.report(tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
