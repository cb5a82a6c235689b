"""The report as Markdown; the figures are files beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qnn_core.terminal import escape_markdown, table

from .. import figures, summary
from ..table import configs_table
from . import matrix, provenance

if TYPE_CHECKING:
    from ...comparison import Comparison


def markdown(
    comparison: "Comparison",
    title: str = "Comparison of low-bit nets",
    about: str = "",
    notes: str = "",
) -> str:
    """Return the report; the same text for the same comparison.

    Args:
        comparison: what it is of.
        title: its heading.
        about: Markdown that stands before the results.
        notes: Markdown that stands after them.
    """
    told = [summary.answer(comparison), *summary.warnings(comparison)]
    advice = summary.what_to_do(comparison)
    parts = [
        f"# {title}",
        *([about] if about else []),
        *map(escape_markdown, told),
        f"{summary.size(comparison)}.",
        *(["What to do next:", _bullets(advice)] if advice else []),
        "## Results",
        configs_table(comparison, "markdown"),
        *([notes] if notes else []),
        "## Figures",
        *(f"![{picture.about}]({picture.name}.png)" for picture in figures.pictures(comparison)),
        "## All pairs",
        *_verdicts(comparison),
        *_provenance(comparison),
    ]
    return "\n\n".join(parts) + "\n"


def _provenance(comparison: "Comparison") -> list[str]:
    """Return how it was done; nothing of what was trained elsewhere."""
    if not comparison.plan.configuration:
        return []
    return [
        "## How it was done",
        _facts("what", provenance.configuration(comparison)),
        *([_facts("with", provenance.machines(comparison))] if comparison.sessions else []),
        *([_facts("run", provenance.sessions(comparison))] if comparison.sessions else []),
        "## How to reproduce it",
        *_commands(comparison),
        _code("python", provenance.call(comparison)),
    ]


def _verdicts(comparison: "Comparison") -> list[str]:
    """Return the matrix; by numbers across, since names are too long for that."""
    names, squares = matrix.names(comparison), matrix.squares(comparison)
    if not squares:
        return ["There is one config, so there is nothing to tell apart."]
    rows = [
        [
            str(n),
            escape_markdown(name),
            *(square.symbol if (square := squares.get((name, other))) else "" for other in names),
        ]
        for n, name in enumerate(names, 1)
    ]
    meaning = ", ".join(f"{symbol} {verdict}" for verdict, symbol in matrix.SYMBOLS.items())
    return [
        summary.matrix_question(comparison),
        f"Each row's config against each column's: {meaning}.",
        table(["", "config", *map(str, range(1, len(names) + 1))], rows, "markdown", left=2),
    ]


def _commands(comparison: "Comparison") -> list[str]:
    commands = provenance.commands(comparison)
    return ["It was run by:", _code("", "\n".join(commands)), "The call:"] if commands else []


def _bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {escape_markdown(text)}" for text in texts)


def _facts(name: str, given: Sequence[provenance.Fact]) -> str:
    rows = [[escape_markdown(fact.name), escape_markdown(fact.value)] for fact in given]
    return table([name, ""], rows, "markdown", left=2)


def _code(language: str, text: str) -> str:
    """Return a block of code behind a fence that the text cannot end."""
    fence = "`" * 3
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
