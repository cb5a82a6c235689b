"""The command line of ``qnn``: its own commands, and those of other distributions."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib.metadata import version

from tabulate import tabulate

from ..checks import examine, named_in
from ..deploy.onnx import FORMS
from ..errors import PluginError, QnnError
from ..extensions import Extension, added_commands
from ..files import atomic_write
from ..machine import cpu
from ..registry import Scheme, registered, schemes
from ..terminal import add_json, command, say, silenced, to_json
from . import bench
from .board import add_board
from .completion import Words, add_completion
from .export_c import add_export_c
from .export_onnx import add_export
from .info import content_of
from .new_quantizer import new_quantizer
from .page import add_page

NO_SCHEMES = "no schemes: packages/qnn-quantizers of the repository has uniform, symmetric, ..."


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = make_parser().parse_args(arguments)
    # With the name of a file (`qnn check --json FILE.json`) text is printed.
    as_json = getattr(options, "json", None) is True
    options.answer = None
    try:
        with silenced() if as_json else nullcontext():
            status: int = options.run(options)
    except (QnnError, OSError) as error:
        # One line, whatever the message holds.
        message = " ".join(str(error).split())
        say(f"qnn: {message}", sys.stderr)
        status = 1
        options.answer = {"error": message, "kind": type(error).__name__}
    if as_json:
        print(to_json(options.answer))
    return status


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with all commands."""
    parser = argparse.ArgumentParser(
        prog="qnn", description="Low-bit neural networks: what is installed, and what files hold."
    )
    parser.add_argument("--version", action="version", version=f"qnn-core {version('qnn-core')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    schemes = commands.add_parser(
        "schemes",
        help="list the installed quantization schemes",
        description="List every scheme that an installed distribution registers in the entry-point "
        "group qnn.quantizers, with the bit widths at which it has a meaning.",
    )
    add_json(schemes)
    schemes.set_defaults(run=_schemes)
    info = commands.add_parser(
        "info",
        help="show what a file holds",
        description="Show what is in a packed model (layers, bits, multiply-accumulates, bytes), "
        "in a checkpoint, or in a model that is trained on; of the last no class is imported.",
    )
    info.add_argument("file", help="a file that PackedModel.save, qnn.save or fit wrote")
    info.add_argument(
        "--limit",
        type=_above_zero,
        default=1.0,
        metavar="TIMES",
        help="allow a packed model so many times the usual time and memory, inf for one that you "
        "trust (default: 1)",
    )
    add_json(info)
    info.set_defaults(run=_info)
    add_export(commands.add_parser)
    _add_bench(commands.add_parser)
    _add_check(commands.add_parser)
    add_export_c(commands.add_parser, _above_zero)
    add_board(commands.add_parser)
    add_page(commands.add_parser, _above_zero)
    new = commands.add_parser(
        "new-quantizer",
        help="write a package with a quantizer of your own to start from",
        description="Write a package that installs, registers a quantizer and passes its test as "
        "it stands. Nothing is overwritten.",
    )
    new.add_argument("name", help="what spec strings will call it, such as soft-ternary")
    new.add_argument("folder", help="a new or empty folder for it")
    add_json(new)
    new.set_defaults(run=_new_quantizer)
    add_completion(commands.add_parser, make_parser, _words)
    for added in added_commands():
        if added.name not in commands.choices:  # none takes the place of one of ours
            _add(added, commands.add_parser)
    return parser


def _words() -> Words:
    """Return what is completed where any text may stand."""
    return {
        ("bench", "paths"): cpu.paths(),
        ("check", "subjects"): schemes(),
        ("export", "form"): FORMS,
    }


def _add(added: Extension, add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add a command of another distribution; one that cannot be used says why when it is run."""
    try:
        add = _tried(added)
    except PluginError as error:
        unusable = error

        def run(_: argparse.Namespace) -> int:
            raise unusable

        # As help alone it is a format string, and its arguments are anybody's guess.
        text = str(error).replace("%", "%%")
        parser = add_parser(added.name, help=f"(unusable: {text})", prefix_chars="\0")
        parser.add_argument("arguments", nargs="*")
        parser.set_defaults(run=run)
    else:
        add(add_parser)


def _tried(added: Extension) -> Callable[..., object]:
    """Return the function that adds a command, once it has done so beside the others.

    Raises:
        PluginError: if it cannot be imported, fails, or adds another command or one without `run`.
    """
    add: Callable[..., object] = added.load()
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    try:
        add(commands.add_parser)
        parser.format_help()
        made = {id(command): command for command in commands.choices.values()}
        told = [command.format_help() and command.get_default("run") for command in made.values()]
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{added.name!r} of {added.owners} cannot be added: {type(error).__name__}: {error}"
        ) from error
    if added.name not in commands.choices or len(told) != 1 or not callable(told[0]):
        raise PluginError(
            f"{added.name!r} of {added.owners} must add one command, {added.name!r}, and set its "
            f"run; it adds {', '.join(map(repr, commands.choices)) or 'none'}"
        )
    return add


def _add_check(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    parser = add_parser(
        "check",
        help="say which laws a quantizer or a layer breaks",
        description="Try quantizers and layers under every law that training, files and kernels "
        "rely on, at each of 1 to 8 bits unless one is named, and say which law is broken, on "
        "which input, what was expected and what was found. Exit status: 0 all is sound, 1 a law "
        "is broken or there is nothing of that name, 2 wrong arguments.",
    )
    parser.add_argument(
        "subjects",
        nargs="*",
        metavar="SUBJECT",
        help="a registered name or spec string (ternary, symmetric:4); PACKAGE:CLASS or "
        "PACKAGE:CLASS:bits=2 for a quantizer or layer that is installed or in this folder; "
        "PACKAGE for all of them that are in it; all registered schemes if left out",
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const=True,
        type=_json_file,
        metavar="FILE.json",
        help="print the report as JSON; with a file, print it as text and write JSON there",
    )
    parser.set_defaults(run=_check)


def _json_file(name: str) -> str:
    if not name.endswith(".json"):
        raise argparse.ArgumentTypeError(f"a file whose name ends in .json is needed, got {name!r}")
    return name


def _check(options: argparse.Namespace) -> int:
    """Print the report on each subject; exit 1 if a law is broken."""
    # As ``python -m`` does: a module in the folder where one is can be checked.
    sys.path.insert(0, os.getcwd())
    subjects = [name for word in options.subjects or schemes() for name in named_in(word)]
    reports = []
    for subject in subjects:
        reports.append(examine(subject))
        if not options.json:
            print(reports[-1], end="\n\n", flush=True)
    broken = [report.name for report in reports if not report.ok]
    if options.json:
        about = {"qnn-core": version("qnn-core"), "kernel paths": cpu.paths(), "ok": not broken}
        options.answer = {**about, "reports": [report.as_dict() for report in reports]}
        if options.json is not True:
            # Before it is printed, which may fail.
            atomic_write(options.json, f"{to_json(options.answer)}\n".encode())
            print("\n\n".join(map(str, reports)))
    elif not reports:
        print(NO_SCHEMES)
    elif len(reports) > 1:
        told = f", {len(broken)} not: {', '.join(broken)}" if broken else ""
        print(f"{len(reports) - len(broken)} sound{told}")
    return 1 if broken else 0


def _new_quantizer(options: argparse.Namespace) -> int:
    """Write a package and say what to do with it."""
    files = new_quantizer(options.name, options.folder)
    commands = [f"pip install -e {options.folder}", f"qnn check {options.name}"]
    options.answer = {"files": files, "next": commands}
    print(*files, sep="\n")
    print(f"\nnext: {'; '.join(commands)}")
    return 0


def _add_bench(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    parser = add_parser(
        "bench",
        help="time the kernels of this machine beside np.matmul",
        description="Time each kernel path and kind of product on this machine beside np.matmul of "
        "float32, in turns; takes up to a minute.",
    )
    parser.add_argument("--threads", type=int, default=1, help="of both sides (default: 1)")
    parser.add_argument("--paths", nargs="+", metavar="PATH", help="kernel paths (default: all)")
    parser.add_argument("--quick", action="store_true", help="few rounds of small shapes")
    parser.add_argument(
        "--json",
        nargs="?",
        const=True,
        metavar="FILE",
        help="print JSON, and nothing else; with a file, print text and write the numbers there",
    )
    parser.set_defaults(run=_bench)


def _bench(options: argparse.Namespace) -> int:
    """Time products and print them."""
    options.answer = bench.limit_blas(options.threads, as_json=options.json is True)
    if options.answer is not None:
        return 0
    about = bench.machine(options.threads)
    print(bench.described(about), flush=True)
    rows = bench.bench(options.paths, threads=options.threads, quick=options.quick)
    options.answer = {"machine": about, "results": rows}
    if options.json and options.json is not True:
        bench.write(options.json, about, results=rows)
    print(f"\nmedians in turns, threads: {options.threads}\n\n{bench.table(rows)}")
    return 0


def _above_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not number > 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def _info(options: argparse.Namespace) -> int:
    """Print what a file holds."""
    content = content_of(options.file, limit=options.limit)
    options.answer = content.record()
    print(content)
    return 0


def _schemes(options: argparse.Namespace) -> int:
    """Print every registered scheme; those that cannot be used with the reason, and exit 1."""
    rows, found, problems = [], [], []
    claims = [entry.name for entry in registered()]
    for entry in registered():
        about = {
            "name": entry.name, "distribution": entry.distribution, "version": entry.version
        }  # fmt: skip # one thing
        try:
            if claims.count(entry.name) > 1:
                raise PluginError(f"the name {entry.name!r} is registered more than once")
            rows.append(_row(entry))
            found.append({**about, "levels": entry.bits()})
        except PluginError as error:
            rows.append([entry.name, "unusable", "", entry.distribution, entry.version])
            found.append({**about, "unusable": str(error)})
            problems.append(f"{entry.distribution}: {error}")
    options.answer = {"schemes": found}
    headers = ["scheme", "bits", "levels", "distribution", "version"]
    print(tabulate(rows, headers=headers, disable_numparse=True))
    if not rows:
        print(NO_SCHEMES)
    for problem in problems:
        say(f"\n{problem}", sys.stderr)
    return 1 if problems else 0


def _row(entry: Scheme) -> list[str]:
    found = entry.bits()
    levels = sorted(found.values())
    return [
        entry.name,
        _span(sorted(found)),
        _span(levels) if len(levels) == 1 else f"{levels[0]} to {levels[-1]}",
        entry.distribution,
        entry.version,
    ]


def _span(numbers: list[int]) -> str:
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(str(n) for n in numbers)
