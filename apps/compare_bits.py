"""Compare quantization schemes at several bit widths. ``--help`` explains.

The parts are in _compare_bits: the command line (options), which combinations there are and which
have no meaning (plan), the training of one net (cell), means and spreads (study), table and files
(report), figures; in _runs, processes and Ctrl-C.
"""

import sys
import time
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from _compare_bits.cell import run_cell
from _compare_bits.options import parse
from _compare_bits.progress import Progress
from _compare_bits.report import table, to_csv, to_json
from _compare_bits.study import Study
from _runs.files import write_file
from _runs.processes import run


def main() -> int:
    """Run the study and return the exit status."""
    options = parse()
    study = Study.of(options)
    began = time.time()
    try:
        status = train(study, began)
        report(study, began)
    except KeyboardInterrupt:
        print("compare_bits.py: stopped while it reported", file=sys.stderr)
        status = 130
    except OSError as error:
        print(f"compare_bits.py: error: cannot write the results: {error}", file=sys.stderr)
        status = 1
    return status


def train(study: Study, began: float) -> int:
    """Train every cell, keeping results.json up to date; return the exit status."""
    options = study.options
    cells = study.cells()
    status = 0
    with Progress(len(cells)) as progress, closing(run(run_cell, cells, options.jobs)) as results:
        try:
            for result in results:
                progress.show(result)
                if result is not None:
                    study.add(result)
                    write_json(study, began)
        except KeyboardInterrupt:
            progress.say("stopped by Ctrl-C: reporting on the runs that are done")
            status = 130
        except BrokenProcessPool:
            progress.say("error: a worker process died, perhaps for want of memory: try --jobs 1")
            status = 1
    if status == 0 and not any(study.done(arm) for arm in study.arms):
        progress.say("error: nothing could be trained")
        return 1
    return status


def report(study: Study, began: float) -> None:
    """Print the table and write the files."""
    folder = study.options.folder
    print(table(study))
    write_json(study, began)
    write_file(folder / "results.csv", to_csv(study))
    written = ["results.json", "results.csv"]
    if any(study.done(arm) for arm in study.arms):
        written += draw(study)
    print(f"\nin {folder}: {', '.join(written)}")


def draw(study: Study) -> list[str]:
    """Write the figures and return their names."""
    # Not at the top: each worker imports this file, and Matplotlib takes a second.
    from _compare_bits import figures  # noqa: PLC0415

    names = {
        "accuracy_over_bits.png": figures.accuracy_over_bits,
        "training_curves.png": figures.training_curves,
    }
    for name, figure in names.items():
        write_file(study.options.folder / name, figure(study))
    return list(names)


def write_json(study: Study, began: float) -> None:
    """Write results.json as far as it is known."""
    run_facts: dict[str, Any] = {
        "command": sys.argv,
        "started": datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
        "seconds": time.time() - began,
        "jobs": study.options.jobs,
    }
    write_file(study.options.folder / "results.json", to_json(study, run_facts))


if __name__ == "__main__":
    sys.exit(main())
