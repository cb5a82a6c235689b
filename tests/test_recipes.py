"""What docs/schemes.md says is so: recipes train and are packed exactly, spec strings are sound."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.quantizer import CALIBRATIONS, SURROGATES

PAGE = (Path(__file__).parents[1] / "docs" / "schemes.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^##+ (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
START, END = BLOCK.findall(SECTIONS["Recipes"])
RECIPES = {
    name: BLOCK.findall(text)
    for name, text in SECTIONS.items()
    if name != "Recipes" and "```" in text
}
SPECS = sorted(set(re.findall(rf"`((?:{'|'.join(qnn.schemes())}):[^`]+)`", PAGE)))
PAPERS = {"PACT-SAWB", "LSQ", "LSQ+", "DoReFa-Net", "XNOR-Net", "TWN", "LogNet", "APoT"}


def test_each_paper_has_one_recipe() -> None:
    assert {*PAPERS, "BinaryNet (BNN)", "BitNet b1.58"} == RECIPES.keys()
    assert all(len(blocks) == 1 for blocks in RECIPES.values())


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_and_is_packed_exactly(name: str) -> None:
    scope: dict[str, Any] = {}
    once = START.replace("EPOCHS = 10", "EPOCHS = 1")
    assert once != START
    exec(once + RECIPES[name][0] + END, scope)
    images, labels = scope["test"][:]
    assert np.mean(scope["packed"].predict(images) == labels) > 0.75
    difference = scope["packed"](images) - scope["model"](images).data
    assert np.abs(difference).max() == 0


@pytest.mark.parametrize("spec", SPECS)
def test_a_spec_string_on_the_page_is_one(spec: str) -> None:
    assert qnn.get_quantizer(spec).bits


def named(section: str) -> list[str]:
    """Return the first cells of a section's table, which are code."""
    return sorted(re.findall(r"^\| `([^`]+)` \|", SECTIONS[section], re.MULTILINE))


def test_all_calibrations_and_surrogates_are_on_the_page() -> None:
    assert named("Calibrations") == sorted(CALIBRATIONS)
    assert named("Surrogate gradients") == sorted(SURROGATES)
