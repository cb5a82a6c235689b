"""The report of a study: the table, results.json and results.csv."""

import csv
import io
import json
import re
import textwrap
from dataclasses import asdict
from typing import Any

from _runs.machine import platform_facts, versions
from tabulate import tabulate

from .plan import FLOAT, Arm, origins
from .study import Study, Summary

HEADERS = ["scheme", "bits", "accuracy %", "n", "bytes", "of float", "s/run"]
ALIGN = ("left", "right", "left", "right", "right", "right", "right")
WIDTH = 100
NOTE = (
    "accuracy: mean +- standard deviation over n seeds, on the test images after the last epoch; "
    "the choice of those images adds an uncertainty of its own, about 0.8 points with 1,000 images "
    "at 93 %, and 0.1 with 10,000 at 98.5 %"
)
COLUMNS = ["scheme", "bits", "seed", "status", "accuracy", "loss", "nbytes", "seconds", "reason"]


def table(study: Study) -> str:
    """Return the table, scheme by scheme, with its notes."""
    notes: dict[str, str] = {}
    rows = [
        _row(study, scheme, arm, notes)
        for scheme in study.options.schemes
        for arm in study.arms_of(scheme)
    ]
    shown = tabulate(rows, HEADERS, colalign=ALIGN, disable_numparse=True)
    below = [NOTE, *(f"[{n}] {note}" for n, note in enumerate(notes.values(), 1))]
    wrapped = "\n".join(textwrap.fill(text, WIDTH, subsequent_indent="    ") for text in below)
    return f"{study.title()}\n\n{shown}\n\n{wrapped}"


def _row(study: Study, scheme: str, arm: Arm, notes: dict[str, str]) -> list[str]:
    found = study.summary(arm)
    mark = _footnote(scheme, arm, study.reason(arm), notes)
    bits = "32 (float)" if arm.bits == FLOAT else str(arm.bits)
    if found.mean is None:
        failed = "failed" if study.of_arm(arm) else "not run"
        status = arm.status if arm.status != "trains" else failed
        return [scheme, bits, status + mark, "", "", "", ""]
    spread = "" if found.sd is None else f" +- {100 * found.sd:.2f}"
    share = _share(study, found)
    return [
        scheme,
        bits,
        f"{100 * found.mean:.2f}{spread}{mark}",
        str(found.n),
        f"{found.nbytes:,}",
        "" if share is None else f"{share:.1%}",
        f"{found.seconds:.1f}",
    ]


def _footnote(scheme: str, arm: Arm, reason: str, notes: dict[str, str]) -> str:
    """Return the number of the note that gives the reason; make or extend the note.

    Arms of a scheme whose reasons differ in the width only share a note.
    """
    if not reason:
        return ""
    label = "float" if arm.bits == FLOAT else scheme
    key = label + re.sub(rf"\b{arm.bits}\b", "#", reason)
    if key not in notes:
        notes[key] = f"{label}, bits {arm.bits}: {reason}"
    elif arm.bits != FLOAT:  # which is listed with each scheme, but has one note
        before, _, rest = notes[key].partition(": ")
        notes[key] = f"{before}, {arm.bits}: {rest}"
    return f" [{list(notes).index(key) + 1}]"


def _share(study: Study, found: Summary) -> float | None:
    """Return an arm's bytes as a share of the float arm's."""
    reference = None if study.float_arm is None else study.summary(study.float_arm).nbytes
    return None if not reference or found.nbytes is None else found.nbytes / reference


def to_json(study: Study, run: dict[str, Any]) -> bytes:
    """Return everything as JSON.

    Args:
        study: what was measured.
        run: what has no influence on the numbers: the command, its time, ...
    """
    content = {
        "format": "qnn compare_bits 1",
        "complete": study.complete,
        "configuration": study.options.configuration(),
        "schemes": origins(study.options.schemes),
        "versions": versions(),
        "platform": platform_facts(),
        "arms": [_arm(study, arm) for arm in study.arms],
        "cells": [asdict(result) for arm in study.arms for result in study.of_arm(arm)],
        "run": run,
    }
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def _arm(study: Study, arm: Arm) -> dict[str, Any]:
    found = study.summary(arm)
    return {
        "scheme": arm.scheme,
        "bits": arm.bits,
        "status": arm.status,
        "reason": study.reason(arm),
        "n": found.n,
        "accuracy_mean": found.mean,
        "accuracy_sd": found.sd,
        "nbytes": found.nbytes,
        "share_of_float": _share(study, found),
        "seconds": found.seconds,
    }


def to_csv(study: Study) -> bytes:
    """Return one line for each run, and one for each combination that was not run."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    writer.writeheader()
    for arm in study.arms:
        results = study.of_arm(arm)
        writer.writerows(asdict(result) for result in results)
        if not results:
            status = "not run" if arm.status == "trains" else arm.status
            writer.writerow(asdict(arm) | {"status": status})
    return text.getvalue().encode()
