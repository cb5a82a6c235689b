"""Docstrings of data: the text below the assignment, which Python forgets."""

import ast
import importlib
import inspect
from functools import cache
from pathlib import Path


@cache
def docstrings(module: str) -> dict[str, str]:
    """Return the texts below assignments in the sources of a module and of what is in it."""
    face = Path(inspect.getfile(importlib.import_module(module)))
    sources = sorted(face.parent.rglob("*.py")) if face.name == "__init__.py" else [face]
    found: dict[str, str] = {}
    for source in sources:
        found |= _texts(ast.parse(source.read_text(encoding="utf-8")))
    return found


def _texts(tree: ast.Module) -> dict[str, str]:
    """Return them for one file."""
    found: dict[str, str] = {}
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(before, ast.Assign):
            targets: list[ast.expr] = before.targets
        elif isinstance(before, ast.AnnAssign):
            targets = [before.target]
        else:
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            text = inspect.cleandoc(str(after.value.value))
            found |= {target.id: text for target in targets if isinstance(target, ast.Name)}
    return found
