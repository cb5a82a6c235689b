"""Docstrings of data: the text below the assignment, which Python forgets."""

import ast
import importlib
import inspect
import pkgutil
from functools import cache
from pathlib import Path


@cache
def docstrings(module: str) -> dict[str, str]:
    """Return the texts below assignments in the sources of a module and of what is in it."""
    face = importlib.import_module(module)
    sources = [Path(inspect.getfile(face))]
    for folder in getattr(face, "__path__", []):
        sources += [Path(folder, *found.name.split(".")) for found in pkgutil.iter_modules([folder])]
    found: dict[str, str] = {}
    for source in sources:
        file = source if source.suffix == ".py" else source.with_suffix(".py")
        if file.exists():
            found |= _texts(ast.parse(file.read_text(encoding="utf-8")))
    return found


def _texts(tree: ast.Module) -> dict[str, str]:
    """Return them for one file."""
    found = {}
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(before, ast.Assign):
            targets = before.targets
        elif isinstance(before, ast.AnnAssign):
            targets = [before.target]
        else:
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            text = inspect.cleandoc(str(after.value.value))
            found |= {target.id: text for target in targets if isinstance(target, ast.Name)}
    return found
