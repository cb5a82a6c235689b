"""The code that numbers come from, of this project and of schemes, as digests."""

import ast
import functools
import hashlib
import inspect
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from ..registry import parse, scheme
from .arms import Arm

CORE = Path(__file__).parents[1]
# What tells of nets and does not make, train or measure any.
TELLS = frozenset(
    (
        *("bench.py", "cli.py", "comparison_command.py", "drawing.py", "file_info.py"),
        *("new_quantizer", "testing", "tables.py"),
    )
)
# Of this room, in turn, what does.
MEASURES = frozenset(
    ("arms.py", "cell.py", "chance.py", "data.py", "recipe.py", "start.py"),
)


@functools.cache
def core_code() -> str:
    """Return version and digest of the Python code of qnn-core that can change a number.

    What prints, draws and reports does not count; the compiled loops are told by the version alone.
    """
    digest = hashlib.blake2b(digest_size=8)
    for file in measuring():
        digest.update(f"{file.as_posix()} ".encode() + (CORE / file).read_bytes())
    return f"{version('qnn-core')} {digest.hexdigest()}"


def measuring() -> list[Path]:
    """Return the files of qnn-core that can change a number."""
    files = sorted(file.relative_to(CORE) for file in CORE.rglob("*.py"))
    return [
        file
        for file in files
        if file.parts[0] not in TELLS
        and (file.parts[0] != "comparison" or file.parts[1] in MEASURES)
    ]


def schemes_code(arms: Iterable[Arm]) -> dict[str, str]:
    """Return of each scheme its distribution, version, and a digest of its code."""
    found = {}
    for name in {parse(spec)[0] for arm in arms for spec in (arm.weight, arm.input) if spec}:
        entry = scheme(name)
        file = inspect.getsourcefile(entry.load())
        code = "" if file is None else code_digest(Path(file).read_text("utf-8"))
        found[name] = f"{entry.distribution} {entry.version} {code}".strip()
    return dict(sorted(found.items()))


def code_digest(text: str) -> str:
    r"""Return a digest of a module's code, without comments, docstrings and line numbers.

    Example:
        >>> code_digest("x = 1  # one") == code_digest("'''A module.'''\n\nx = 1")
        True
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined] # it has one
    return hashlib.blake2b(ast.dump(tree).encode(), digest_size=8).hexdigest()


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
