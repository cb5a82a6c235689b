"""The code that numbers come from, of this project and of schemes, as digests."""

import ast
import functools
import hashlib
import inspect
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import qnn_core
from qnn_core.registry import parse, scheme

from .configs import Config
from .releases import release_of

CORE = Path(qnn_core.__file__).parent
COMPARE = Path(__file__).parents[1]
# What of qnn-core tells of nets and does not make, train or measure any.
TELLS = (
    "analysis/drawing.py",
    "checks",
    "cli",
    "extensions.py",
    "terminal/tables.py",
    "testing.py",
)
# What of qnn-compare, in turn, does.
MEASURES = (
    *("c_costs.py", "configs.py", "data.py", "deployed.py", "division.py", "global_generators.py"),
    *("initial_weights.py", "judging.py", "recipe.py"),
    *("own_quantizer.py", "run.py", "spec_bits.py", "start_state.py", "targets.py"),
    "warm_starts.py",
)


@functools.cache
def core_code() -> str:
    """Return release and digest of the Python code that can change a number.

    What prints, draws and reports does not count; the compiled loops are told by the release of
    qnn-core alone.
    """
    digest = hashlib.blake2b(digest_size=8)
    for file in measuring():
        name = file.relative_to(COMPARE.parent if COMPARE in file.parents else CORE.parent)
        digest.update(f"{name.as_posix()} ".encode() + file.read_bytes())
    return f"{release_of('qnn-core', version('qnn-core'))} {digest.hexdigest()}"


def measuring() -> list[Path]:
    """Return the files of qnn-core and qnn-compare that can change a number."""
    told = [CORE / path for path in TELLS]
    core = [
        file
        for file in sorted(CORE.rglob("*.py"))
        if not any(path in (file, *file.parents) for path in told)
    ]
    return core + [COMPARE / "experiment" / name for name in MEASURES]


def schemes_code(configs: Iterable[Config]) -> dict[str, str]:
    """Return of each scheme its distribution, version or release, and a digest of its code."""
    found = {}
    for name in {parse(spec)[0] for config in configs for spec in config.specs}:
        entry = scheme(name)
        file = inspect.getsourcefile(entry.load())
        code = "" if file is None else code_digest(Path(file).read_text("utf-8"))
        release = release_of(entry.distribution, entry.version)
        found[name] = f"{entry.distribution} {release} {code}".strip()
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
