"""``qnn compare`` and ``qnn report``: a study that a file describes, and what became of it.

What they run is imported when they run: ``qnn --help`` and other commands need not wait for it.
"""

import argparse
import contextlib
import sys
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from qnn_core.errors import CompareError
from qnn_core.files import atomic_write
from qnn_core.terminal import add_json, say

AddParser = Callable[..., argparse.ArgumentParser]
REPORT = "report.html"
STOPPED = 130  # exit status after Ctrl-C, as of a shell


def add_compare(add_parser: AddParser) -> None:
    """Add ``qnn compare`` to a command line."""
    compare = add_parser(
        "compare",
        help="run the comparison that a TOML file describes",
        description="Train a net with each quantizer from several seeds, as CONFIG.toml says, and "
        "report on them: a table, and, in the folder of the study, report.html, results.csv and "
        "figures. What is done is kept there: the same command goes on after a stop. Exit status: "
        "0 done, 1 wrong configuration or failed runs, 130 stopped by Ctrl-C.",
    )
    compare.add_argument("config", metavar="CONFIG.toml")
    compare.add_argument("--store", type=Path, metavar="DIR", help="(default: results/CONFIG)")
    add_where(compare)
    add_json(compare)
    compare.set_defaults(run=_compare)


def add_report(add_parser: AddParser) -> None:
    """Add ``qnn report`` to a command line."""
    report = add_parser(
        "report",
        help="report on comparisons that were kept in folders, or on results in a CSV file",
        description="Print the table of a comparison, and write its report. Several folders, of "
        "runs made on different machines, are merged if they match. A CSV file holds results of "
        "what was trained elsewhere, by any framework: columns config, seed and a metric such as "
        "accuracy (a line for each run), or config, seed, sample and accuracy (a line for each "
        "test sample, 1 if it was right), which tells much more.",
    )
    report.add_argument(
        "folders", nargs="+", metavar="DIR", type=Path, help="or one FILE.csv with results"
    )
    report.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=f"an .html or .md file (default: DIR/{REPORT}, or FILE.html beside FILE.csv)",
    )
    report.add_argument(
        "--reference", metavar="CONFIG", help="what others are compared with (default: float)"
    )
    report.add_argument(
        "--margin",
        type=float,
        metavar="M",
        help="what is too small to matter (default: that of the study, or 0.005, half a point)",
    )
    report.add_argument(
        "--metric", metavar="NAME", help="the column of a CSV file that counts, if there are others"
    )
    better = report.add_mutually_exclusive_group()
    better.add_argument(
        "--lower-is-better",
        dest="higher_is_better",
        action="store_false",
        default=None,
        help="of a CSV file whose metric is an error (default: as its name says)",
    )
    better.add_argument(
        "--higher-is-better", action="store_true", default=None, help="likewise, of a score"
    )
    report.add_argument("--save", type=Path, metavar="DIR", help="keep what was merged in a folder")
    report.add_argument("--style", default="text", help="of the table (default: text)")
    add_json(report)
    report.set_defaults(run=_report)


def add_where(parser: argparse._ActionsContainer) -> None:
    """Add the options that say where runs are executed."""
    parser.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="processes, one thread each; the numbers do not depend on it (default: one per core)",
    )
    parser.add_argument(
        "--retry",
        action="store_true",
        help="run again what failed, or has a damaged file in the store; what lacked memory, a "
        "file or a process is tried again in any case",
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="run on the Dask cluster whose scheduler is there instead"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text!r}")
    return int(text)


@contextlib.contextmanager
def executor_of(options: argparse.Namespace) -> Generator[Executor | int | None]:
    """Yield what `compare` takes as executor, by the options of `add_where`."""
    if options.dask is None:
        yield options.jobs
        return
    from .experiment.cluster import dask_executor  # noqa: PLC0415 - qnn --help need not wait

    with dask_executor(options.dask) as executor:
        yield executor


def _compare(options: argparse.Namespace) -> int:
    """Run a study and report on it."""
    from .experiment.study_file import read_study_file  # noqa: PLC0415 - qnn --help need not wait

    study = read_study_file(options.config)
    store = options.store or Path("results", Path(options.config).stem)
    return run_study(study.build, study.data, options, store, **study.options)


def run_study(
    build: Any,
    data: Any,
    options: argparse.Namespace,
    store: Path,
    *,
    live: Mapping[str, Any] | None = None,
    **arguments: Any,
) -> int:
    """Run `compare`, print its table, write its report, and return the exit status.

    Args:
        build: see `compare`.
        data: likewise.
        options: of the command line.
        store: folder for what is done.
        live: arguments of `qnn_core.page`, for a page beside the report in which the nets answer.
        arguments: others of `compare`.
    """
    from . import Comparison, compare  # noqa: PLC0415 - qnn --help need not wait
    from .experiment.store import ABOUT  # noqa: PLC0415 - qnn --help need not wait
    from .report.live import LivePage  # noqa: PLC0415 - qnn --help need not wait

    status, found = 0, None
    if live is not None:
        arguments["keep_packed"] = True
    page = LivePage(store / REPORT, last=False)  # that one is made below, with all that is in it
    try:
        with executor_of(options) as executor:
            found = compare(
                build, data, executor=executor, store=store, page=page, retry=options.retry,
                **arguments,
            )  # fmt: skip # one call
    except KeyboardInterrupt:
        status = STOPPED
        if not (store / ABOUT).exists():  # it had not begun, or was tuned
            return status
    try:
        if found is None:
            found = Comparison.load(store)
        _conclude(found, options, store, live, stopped=status != 0)
    except KeyboardInterrupt:
        _say_what_is_kept(found, store)
        return STOPPED
    return status or (1 if found.failures else 0)


def _conclude(
    found: Any,
    options: argparse.Namespace,
    store: Path,
    live: Mapping[str, Any] | None,
    *,
    stopped: bool,
) -> None:
    """Write all that is made of a study, and print its table."""
    # Files first: printing may fail.
    atomic_write(store / "results.csv", found.table("csv").encode())
    page, report = None, ""
    if any(result.done for result in found.results.values()):
        found.plot(store, formats=("png",))
        page = found.report(store / REPORT, live=live if found.packed else None)
        report = f"\n\n{page}"
    options.answer = {**_record(found), "report": page, "stopped": stopped}
    print(f"{found}{report}")


def _say_what_is_kept(found: Any, store: Path) -> None:
    """Say how to go on after a Ctrl-C while a study was reported on."""
    from .formatting import counted  # noqa: PLC0415 - qnn --help need not wait

    kept = "what is done is"
    if found is not None:
        kept = f"{counted(len(found.results), 'run')} {'is' if len(found.results) == 1 else 'are'}"
    say(
        f"\nstopped by Ctrl-C while figures and report were made; {kept} kept in {store}: the same "
        f"command with that folder goes on, and qnn report {store} reports on them",
        sys.stderr,
    )


def _report(options: argparse.Namespace) -> int:
    """Print and write the report of folders."""
    from . import Comparison  # noqa: PLC0415 - qnn --help need not wait

    if any(path.suffix == ".csv" for path in options.folders):
        merged, out = _of_csv(options), options.folders[0].with_suffix(".html")
    else:
        first, *others = [Comparison.load(folder) for folder in options.folders]
        merged = first.merge(*others).asking(options.reference, options.margin)
        out = (options.save or options.folders[0]) / REPORT
    if options.save is not None:
        merged.save(options.save)
    out = merged.report(options.out or out)
    options.answer = {**_record(merged), "report": out}
    print(merged if options.style == "text" else merged.table(options.style))
    say(f"\n{out}", sys.stderr)
    return 0


def _record(found: Any) -> dict[str, Any]:
    """Return what a comparison holds, for a program."""
    return {"configs": found.records("configs"), "runs": found.records("runs")}


def _of_csv(options: argparse.Namespace) -> Any:
    """Return the comparison of what was trained elsewhere."""
    from . import Comparison  # noqa: PLC0415 - qnn --help need not wait

    if len(options.folders) > 1:
        raise CompareError("qnn report: one CSV file at a time, and no folder beside it")
    asked = {"margin": options.margin, "metric": options.metric}
    given: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    return Comparison.read_csv(
        options.folders[0],
        reference=options.reference,
        higher_is_better=options.higher_is_better,
        **given,
    )
