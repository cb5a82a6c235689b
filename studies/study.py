"""Train the nets of a study and report on them. ``--help`` explains.

A study is a file beside this one, such as mlp.py: configs with targets, a recipe, data.
`qnn.compare` runs it. What they share is in _study: what a study is (plan), the images, a teacher,
the command line (options), README.md (report), and the page over all (index).
"""

import sys
from pathlib import Path

# _arguments, which the apps have in common with this.
sys.path.append(str(Path(__file__).resolve().parents[1] / "apps"))

from _study.index import index
from _study.options import RESULTS, Options, parse
from _study.report import write_page
from qnn_compare import Comparison, compare
from qnn_core.errors import QnnError
from qnn_core.files import atomic_write
from qnn_core.terminal import command, say


@command
def main() -> int:
    """Run the study and return the exit status."""
    options = parse()
    try:
        return run(options)
    except QnnError as error:
        say(f"study.py: error: {error}", sys.stderr)
        return 1


def run(options: Options) -> int:
    """Train what is missing, report on what is there, and return the exit status."""
    status = 0
    try:
        found = compare(
            options.study.build,
            options.data,
            configs=options.configs,
            seeds=options.seeds,
            executor=options.jobs,
            store=options.folder,
            **options.recipe,
        )
    except KeyboardInterrupt:
        status = 130
        if not (options.folder / "study.json").exists():  # it had not begun
            return status
        found = Comparison.load(options.folder)
    if any(result.done for result in found.results.values()):
        report(options, found)
    return status or (1 if found.failures else 0)


def report(options: Options, found: Comparison) -> None:
    """Write the pages, then print the table."""
    write_page(options.study, found, options.measured, options.folder, quick=options.quick)
    if options.folder == RESULTS / options.study.name:
        atomic_write(RESULTS / "README.md", index(RESULTS).encode())
    print(f"{found}\n\nin {options.folder}: README.md")


if __name__ == "__main__":
    sys.exit(main())
