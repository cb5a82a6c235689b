"""The report of a study: a table, and README.md."""

import math
import textwrap
from dataclasses import asdict, fields

from _runs.machine import platform_facts, versions
from tabulate import tabulate

from .plan import Arm, Recipe
from .results import Interval, Results

HEADERS = ["net", "mark %", "accuracy %", "95 % interval", "n", "packed bytes", "reached"]
ALIGN = ("left", "right", "right", "right", "right", "right", "left")
WIDTH = 118


def table(results: Results) -> str:
    """Return the table of the arms."""
    rows = [_row(results, arm) for arm in results.arms()]
    return tabulate(rows, HEADERS, tablefmt="github", colalign=ALIGN, disable_numparse=True)


def _row(results: Results, arm: Arm) -> list[str]:
    runs, found = results.of_arm(arm), results.interval(arm)
    mark = results.mark(arm)
    judged = mark is not None or arm.bytes_mark is not None
    return [
        arm.name,
        "" if mark is None else f"{mark:.2f}",
        f"{found.mean:.2f}",
        "" if math.isnan(found.low) else f"{found.low:.2f} to {found.high:.2f}",
        str(len(runs)),
        f"{max(run.nbytes for run in runs):,}"
        + ("" if arm.bytes_mark is None else f" (of {arm.bytes_mark:,})"),
        ("yes" if results.reached(arm) else "no") if judged else "",
    ]


def readme(results: Results, measured: str, *, quick: bool) -> str:
    """Return README.md."""
    study = results.study
    warnings = []
    if quick:
        warnings.append("A quick trial: the numbers mean nothing.")
    if not results.complete:
        done = f"{len(results.found)} of {len(results.cells)} runs"
        warnings.append(f"Incomplete: {done} are done.")
    parts = [
        f"# {study.title}",
        f"```\nnox -s study -- {study.name}\n```",
        *warnings,
        *_paragraphs(study.about),
        table(results),
        _wrapped(_how(results, measured)),
        _neighbours(results),
        *_paragraphs(study.notes),
        f"![Accuracy of each net, and training loss](figure.png)\n\n"
        f"[results.json](results.json) has each run. {_packed(results)}",
        "## How each net is trained",
        _recipes(results),
        _wrapped(_machine(results)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _how(results: Results, measured: str) -> str:
    return (
        f"Accuracy: mean over n seeds of {measured}, looked at once, after the last epoch; its "
        "interval is Student's, over seeds (initial weights and order of batches). That these "
        "are the images, and not others, adds an uncertainty which all nets share: about 0.25 "
        "points either way with 10,000 images at 98.5 %, 0.15 at 99.4 %. Bytes: the greatest file "
        "that `qnn.pack(model, example).save(path)` wrote, header and all."
    )


def _neighbours(results: Results) -> str:
    """Say which two arms in a row differ, seed by seed."""
    lines = [
        f"- {one.name} less {other.name}: {_signed(found)}"
        for one, other, found in results.neighbours()
        if not math.isnan(found.low)
    ]
    return "\n".join(["Differences of the same seeds, in points:\n", *lines]) if lines else ""


def _signed(found: Interval) -> str:
    verdict = "no difference shown"
    if found.low > 0 or found.high < 0:
        verdict = "a difference"
    return f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f}), {verdict}"


def _packed(results: Results) -> str:
    runs = list(results.found.values())
    same = sum(run.accuracy == run.packed_accuracy for run in runs)
    return (
        f"The packed files, read again and run on integers, had the accuracy of the trained net "
        f"in {same} of {len(runs)} runs, to the last image."
    )


def _recipes(results: Results) -> str:
    """List what all arms share, then what each has of its own."""
    recipes = {arm.name: asdict(results.recipe(arm)) for arm in results.arms()}
    names = [field.name for field in fields(Recipe)]
    first = next(iter(recipes.values()))
    shared = [n for n in names if all(r[n] == first[n] for r in recipes.values())]
    lines = [f"- all: {', '.join(f'{n} {_shown(first[n])}' for n in shared)}"]
    for name, recipe in recipes.items():
        own = [f"{n} {_shown(recipe[n])}" for n in names if n not in shared]
        options = dict(results.study.arm(name).options)
        lines.append(f"- {name}: " + "; ".join([*own, f"`{options}`" if options else "no options"]))
    return "\n".join(_wrapped(line, indent="  ") for line in lines)


def _shown(value: object) -> str:
    return "none" if value == {} else str(value)


def _machine(results: Results) -> str:
    facts, found = platform_facts(), versions("qnn-quantizers")
    runs = list(results.found.values())
    seconds = sum(run.seconds for run in runs)
    return (
        f"The {len(runs)} runs took {seconds / 60:.0f} minutes of wall time added up, one thread "
        f"each, two at a time, on {facts['cores']} cores ({facts['processor']}, "
        f"{facts['machine']}, {facts['system']}) that did other work beside: it says little about "
        f"speed. Versions: {', '.join(f'{name} {number}' for name, number in found.items())}."
    )


def _paragraphs(text: str) -> list[str]:
    """Return paragraphs as lines of one width; those that are lists stay as they are."""
    parts = textwrap.dedent(text).strip().split("\n\n")
    return [part if part.startswith("- ") else _wrapped(part) for part in parts if part]


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
