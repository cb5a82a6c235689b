"""Train the nets of a study and report on them. ``--help`` explains.

A study is a file beside this one: mlp, post_training, deep, small, lenet, tiny, logarithmic. What
they share is in _study: what a study is (plan), the images, the training of one net (cell), means
and intervals (results), results.json (storage), README.md (report), the figure, and the page over
all (index).
"""

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

# _runs and _arguments, which the apps have in common with this.
sys.path.append(str(Path(__file__).resolve().parents[1] / "apps"))

from _runs.processes import run
from _study.cell import Cell, run_cell
from _study.index import index
from _study.options import RESULTS, Options, parse
from _study.report import readme, table
from _study.results import Results
from _study.storage import FILE, kept, to_json
from qnn_core.files import atomic_write
from qnn_core.terminal import command, say


@command
def main() -> int:
    """Run the study and return the exit status."""
    options = parse()
    results = Results(options.study, options.cells)
    try:
        for result in kept(options.folder, options.cells):
            results.add(result)
    except ValueError as error:
        say(f"study.py: error: {error}", sys.stderr)
        return 2
    done = results.found.keys()
    left = [cell for cell in options.cells if (cell.arm, cell.seed) not in done]
    status = train(options, results, left)
    if results.found:
        report(options, results)
    return status


def train(options: Options, results: Results, cells: Sequence[Cell]) -> int:
    """Train the cells, keeping results.json up to date; return the exit status."""
    if not cells:
        return 0
    try:
        with closing(run(run_cell, cells, options.jobs)) as found:
            for result in found:
                if result is None:
                    continue
                results.add(result)
                write_results(options, results)
                cell, accuracy = result.cell, 100 * result.accuracy
                line = f"{accuracy:.2f} %, {result.nbytes:,} bytes, {result.seconds:.0f} s"
                count = f"{len(results.found)}/{len(options.cells)}"
                say(f"{count} {cell['arm']}, seed {cell['seed']}: {line}", sys.stderr)
    except KeyboardInterrupt:
        say("study.py: stopped by Ctrl-C: reporting on the runs that are done", sys.stderr)
        return 130
    return 0


def write_results(options: Options, results: Results) -> None:
    """Write results.json as far as it is known."""
    runs = [result for arm in results.arms() for result in results.of_arm(arm)]
    atomic_write(options.folder / FILE, to_json(runs))


def report(options: Options, results: Results) -> None:
    """Write the report and print the table."""
    # Not at the top: each worker imports this file, and Matplotlib takes a second.
    from _study.figure import figure  # noqa: PLC0415

    write_results(options, results)
    atomic_write(options.folder / "figure.png", figure(results, options.measured))
    text = readme(results, options.measured, quick=options.quick)
    atomic_write(options.folder / "README.md", text.encode())
    if options.folder == RESULTS / options.study.name:
        atomic_write(RESULTS / "README.md", index(RESULTS).encode())
    print(f"{table(results)}\n\nin {options.folder}: README.md, {FILE}, figure.png")


if __name__ == "__main__":
    sys.exit(main())
