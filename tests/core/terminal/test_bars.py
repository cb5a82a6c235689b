"""Bars are seen in terminals and in notebooks."""

import io
import sys
from types import ModuleType, SimpleNamespace

import pytest
from qnn_core.terminal import bar, in_notebook, is_watched


def ipython(shell: object) -> ModuleType:
    """Return what stands for IPython where it is not installed: the shell that it runs."""
    module = ModuleType("IPython")
    vars(module)["get_ipython"] = lambda: shell
    return module


@pytest.mark.parametrize(
    ("shell", "notebook"),
    [(SimpleNamespace(kernel=1), True), (SimpleNamespace(), False), (None, False)],
    ids=["kernel", "terminal", "none"],
)
def test_a_kernel_is_a_notebook(
    shell: object, notebook: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", ipython(shell))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert in_notebook() is notebook
    assert is_watched() is notebook


def test_without_ipython_there_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.setattr(sys, "stderr", None)
    assert not in_notebook()
    assert not is_watched()


def test_a_bar_is_text_elsewhere() -> None:
    stream = io.StringIO()
    shown = bar(total=2, desc="nets", file=stream)
    shown.update(2)
    shown.close()
    assert "nets: 100%" in stream.getvalue()
