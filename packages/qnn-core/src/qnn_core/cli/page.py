"""Packed models as one page, live: for ``qnn page``."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from ..deploy import load, page
from ..deploy.browser import InputKind, Task
from ..deploy.pixels import Transform
from ..errors import SpecError
from ..terminal import add_json
from .export_c import RAW, function_named, samples_in


def add_page(
    add_parser: Callable[..., argparse.ArgumentParser], limit: Callable[[str], float]
) -> None:
    """Add the command to a parser's commands.

    Args:
        add_parser: of the commands.
        limit: reads a number above 0.
    """
    parser = add_parser(
        "page",
        help="write packed models as one page: draw a digit, see what each of them says",
        description="Write packed models side by side as one page of HTML that needs no server and "
        "no network: draw a digit, or give numbers as CSV, and see each net's answer, its bytes, "
        "its time, and its codes as bits. Its arithmetic has the bits of the packed models.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="that PackedModel.save wrote")
    parser.add_argument("-o", "--out", required=True, metavar="PAGE.html", help="the page to write")
    parser.add_argument(
        "--names", nargs="+", metavar="NAME", help="of the nets (default: the files' names)"
    )
    parser.add_argument("--title", help="of the page")
    parser.add_argument(
        "--input",
        choices=get_args(InputKind),
        help="what is given to the nets (default: what their shapes say)",
    )
    parser.add_argument(
        "--task", choices=get_args(Task), help="what their outputs are (default: classes)"
    )
    parser.add_argument("--classes", nargs="+", metavar="NAME", help="names of the answers")
    parser.add_argument(
        "--samples", metavar="FILE.npy", help="inputs to choose from: pixels, or numbers"
    )
    group = parser.add_argument_group(
        "what was done to inputs before training",
        "By default MNIST's usual normalization for drawings, and nothing for numbers.",
    )
    mean = "(x - mean) / std was trained on, of pixels divided by 255; of numbers one each, or one"
    group.add_argument("--mean", type=float, nargs="+", metavar="M", help=mean)
    group.add_argument("--std", type=float, nargs="+", metavar="S", help="see --mean")
    group.add_argument(
        "--transform",
        metavar="MODULE:FUNCTION",
        help="the function of uint8 arrays that was trained on; modules in this folder too",
    )
    group.add_argument(
        "--raw", action="store_true", help="pixels were trained on as they are, 0 to 255"
    )
    parser.add_argument(
        "--limit",
        type=limit,
        default=1.0,
        metavar="TIMES",
        help="allow a file so many times the usual time and memory, as in qnn info (default: 1)",
    )
    add_json(parser)
    parser.set_defaults(run=_page)


def _page(options: argparse.Namespace) -> int:
    """Write a page, and say what is in it."""
    names = options.names or [Path(file).stem for file in options.files]
    if len(names) != len(options.files):
        raise SpecError(f"--names: {len(options.files)} files have {len(names)} names")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError(f"several nets are called {', '.join(twice)}: --names tells them apart")
    files = zip(names, options.files, strict=True)
    made = page(
        {name: load(file, limit=options.limit) for name, file in files},
        options.out,
        input=options.input,
        transform=_transform(options),
        samples=None if options.samples is None else samples_in(options.samples),
        classes=options.classes,
        task=options.task,
        title=options.title,
    )
    options.answer = {
        "file": made.path,
        "bytes": made.nbytes,
        "nets": made.nets,
        "notes": made.notes,
    }
    print(made)
    return 0


def _transform(options: argparse.Namespace) -> Transform:
    """Return what training did to inputs, None if that is not said.

    Raises:
        SpecError: if it is said twice, or by half.
    """
    half = (options.mean is None) != (options.std is None)
    if half or sum([options.mean is not None, options.transform is not None, options.raw]) > 1:
        raise SpecError(
            "say in one way what was done to inputs before training: --mean and --std, "
            "--transform MODULE:FUNCTION or --raw"
        )
    if options.raw:
        return RAW
    if options.transform is not None:
        return function_named(options.transform)
    if options.mean is None:
        return None
    mean, std = (part[0] if len(part) == 1 else part for part in (options.mean, options.std))
    return mean, std
