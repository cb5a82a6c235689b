"""README.md of a study: what it is, whether its targets were reached, and the whole report."""

import textwrap
from pathlib import Path

from qnn_compare import Comparison

from .plan import Study

WIDTH = 118


def write_page(
    study: Study, found: Comparison, measured: str, folder: Path, *, quick: bool
) -> None:
    """Write README.md and the figures of a study into its folder.

    Args:
        study: which.
        found: what came of it.
        measured: which images its accuracies are of.
        folder: where to.
        quick: whether it was only a trial.
    """
    warnings = ["A quick trial: the numbers mean nothing."] if quick else []
    if not found.complete:
        runs = len(found.configs) * len(found.seeds)
        warnings.append(f"Incomplete: {len(found.results)} of {runs} runs are done.")
    about = [f"```\nnox -s study -- {study.name}\n```", *warnings, *paragraphs(study.about)]
    notes = [*paragraphs(study.notes), wrapped(_how(measured))]
    found.report(
        folder / "README.md",
        title=study.title,
        about="\n\n".join(about),
        notes="\n\n".join(notes),
    )


def _how(measured: str) -> str:
    return (
        f"Accuracy is that of {measured}, looked at once, after the last epoch. That these are the "
        "images, and not others, adds an uncertainty which all nets share: about 0.25 points "
        "either way with 10,000 images at 98.5 %, 0.15 at 99.4 %. Bytes are of the file that "
        "`qnn.pack(model, example).save(path)` writes, header and all. Runs took one thread each, "
        "two at a time, on a machine that did other work beside: times say little."
    )


def paragraphs(text: str) -> list[str]:
    """Return paragraphs as lines of one width; those that are lists stay as they are."""
    parts = textwrap.dedent(text).strip().split("\n\n")
    return [part if part.startswith("- ") else wrapped(part) for part in parts if part]


def wrapped(text: str) -> str:
    """Return a paragraph in lines of one width."""
    return textwrap.fill(
        " ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False
    )
