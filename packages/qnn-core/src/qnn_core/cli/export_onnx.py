"""``qnn export``: the forms that a packed model can have in ONNX, and a file in one of them."""

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from tabulate import tabulate

from ..deploy import PackedModel, load
from ..deploy.onnx import FORMS, Form, listed, translate
from ..errors import ExportWarning, GraphError, SpecError
from ..terminal import add_json, say

OTHERS = "Other formats, such as TensorFlow Lite, are not written."


def add_export(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_parser(
        "export",
        help="write a packed model as ONNX; without a form, list the forms",
        description="Write a packed model as ONNX, or say which forms it can have. The model's "
        f"answers are compared with onnxruntime's where that is installed. {OTHERS}",
    )
    parser.add_argument("file", help="a file that PackedModel.save wrote")
    parser.add_argument("out", nargs="?", help="the file of ONNX to write")
    parser.add_argument("--form", help=f"one of {', '.join(FORMS)}")
    parser.add_argument(
        "--mean",
        type=float,
        nargs="+",
        metavar="M",
        help="of the raw input, or of each of its channels: (x - mean) * (1 / std) is done inside",
    )
    parser.add_argument("--std", type=float, nargs="+", metavar="S", help="likewise")
    parser.add_argument(
        "--raw",
        choices=("uint8", "float32"),
        default="float32",
        help="dtype of the raw input with --mean and --std; bytes are divided by 255 first "
        "(default: float32)",
    )
    parser.add_argument(
        "--exact-floats",
        action="store_true",
        help="let the form integer have the model's bits in products of floats too: slow",
    )
    parser.add_argument("--opset", type=int, metavar="N", help="version of ONNX's operators")
    add_json(parser)
    parser.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> int:
    """List the forms, or write a file."""
    model = load(options.file)
    if options.form is None and options.out is None:
        rows = [(form.name, form.purpose, _verdict(model, form)) for form in FORMS.values()]
        names = ("form", "for", "this model")
        options.answer = {"forms": [dict(zip(names, row, strict=True)) for row in rows]}
        table = tabulate(rows, headers=names, maxcolwidths=[None, 44, 44], tablefmt="simple")
        print(f"{table}\n\n{OTHERS}")
        return 0
    if options.form is None or options.out is None:
        raise SpecError("export: give both, a file to write and its --form, or neither for a list")
    if (options.mean is None) != (options.std is None):
        raise SpecError("export: --mean and --std belong together")
    transform = None
    if options.mean is not None:
        mean, std = (part[0] if len(part) == 1 else part for part in (options.mean, options.std))
        transform = (mean, std)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ExportWarning)
        try:
            made = model.export_onnx(
                options.out,
                options.form,
                transform=transform,
                raw=options.raw,
                opset=options.opset,
                exact_floats=options.exact_floats,
            )
        except ImportError as error:
            say(f"qnn: {error}", sys.stderr)
            options.answer = {"error": str(error), "kind": type(error).__name__}
            return 1
    for warning in caught:
        say(f"qnn: {warning.message}", sys.stderr)
    size = Path(options.out).stat().st_size
    options.answer = {
        "file": options.out,
        "form": made.form,
        "bytes": size,
        "difference": made.difference,
        "on": made.on,
        "exact": made.exact,
        "warnings": [str(warning.message) for warning in caught],
    }
    found = "not measured" if made.difference is None else f"{made.difference:g}"
    print(f"{options.out}: {made.form}, {size:,} bytes; difference to the packed model {found}")
    print(f"({made.on})")
    return 0


def _verdict(model: PackedModel, form: Form) -> str:
    try:
        _, inexact = translate(model.graph, form, form.opset)
    except GraphError as error:
        return f"cannot: {error}"
    if not inexact:
        return "the same bits"
    if not form.exact:
        return "close: its sums are floats; the difference is measured when it is written"
    return f"the same bits but for {len(inexact)}: {listed(inexact)}"
