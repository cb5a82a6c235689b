"""results.json: every run of a study, read again when it goes on."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from _runs.machine import platform_facts, versions

from .cell import Cell, Result
from .plan import Recipe

FILE = "results.json"
FORMAT = "qnn study 1"


def to_json(results: list[Result]) -> bytes:
    """Return runs as JSON, a line for each."""
    about = {
        "format": FORMAT,
        "command": ["study.py", *sys.argv[1:]],
        "versions": versions("qnn-quantizers"),
        "platform": platform_facts(),
    }
    head = json.dumps(about, indent=1)[:-2]
    runs = ",\n".join(json.dumps(_rounded(asdict(r)), allow_nan=False) for r in results)
    return f'{head},\n "runs": [\n{runs}\n]}}\n'.encode()


def read(folder: Path) -> list[Result]:
    """Return the runs of a folder; none if it has no results.

    Raises:
        ValueError: if the file there is none of ours.
    """
    path = folder / FILE
    if not path.exists():
        return []
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    if content.get("format") != FORMAT:
        raise ValueError(f"{path} is no file of {FORMAT!r}: take another folder with --out")
    return [_completed(Result(**run)) for run in content["runs"]]


def kept(folder: Path, cells: list[Cell]) -> list[Result]:
    """Return the runs of earlier times that are among `cells`; errors as of `read`."""
    # As JSON has them: lists for tuples.
    wanted = [json.loads(json.dumps(asdict(cell))) for cell in cells]
    return [run for run in read(folder) if run.cell in wanted]


def _completed(result: Result) -> Result:
    """Return a run with what its recipe says of fields that there were not when it was written."""
    recipe = asdict(Recipe(epochs=0)) | result.cell["recipe"]
    return replace(result, cell=result.cell | {"recipe": recipe})


def _rounded(value: Any) -> Any:
    """Return numbers with six digits: more mean nothing, and files are read by people."""
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
