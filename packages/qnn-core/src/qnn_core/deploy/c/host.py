"""The generated C on this machine: compiled, run beside the packed model, compared to the bit."""

import ctypes
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError

Array = NDArray[Any]

FLAGS = ("-std=c99", "-O1", "-Werror=overflow", "-shared", "-fPIC")


@dataclass(frozen=True, eq=False)
class Ran:
    """What the C gave.

    Attributes:
        classes: int64 ``[samples]``, or None if the net has none.
        sums: int64 ``[samples, outputs]``, or None.
        logits: float32, or None.
    """

    classes: Array | None
    sums: Array | None
    logits: Array | None

    def some(self, part: slice) -> "Ran":
        """Return what it gave for some of the inputs."""
        kept = (None if a is None else a[part] for a in (self.classes, self.sums, self.logits))
        return Ran(*kept)


def compiler() -> str | None:
    """Return the command of the host's C compiler, ``CC`` or one that is found; None for none."""
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        if name and shutil.which(name.split()[0]):
            return name
    return None


def run_on_host(
    name: str, texts: dict[str, str], inputs: Array, sizes: dict[str, int], command: str
) -> Ran:
    """Compile a net and run it on inputs.

    Args:
        name: of the net.
        texts: of ``NAME.h`` and ``NAME.c``, by the name of the file.
        inputs: ``[samples, elements]``, as the net takes them.
        sizes: its macros.
        command: of the compiler.

    Raises:
        ExportError: if it does not compile.
    """
    with tempfile.TemporaryDirectory() as folder:
        for file, text in texts.items():
            Path(folder, file).write_text(text, encoding="utf-8")
        library = Path(folder, f"{name}.so")
        call = [*command.split(), *FLAGS, "-o", str(library), str(Path(folder, f"{name}.c"))]
        made = subprocess.run(call, capture_output=True, text=True, check=False)
        if made.returncode:
            raise ExportError(f"export_c: {command} refuses the generated C: {made.stderr[:2000]}")
        return _called(ctypes.CDLL(str(library)), name, inputs, sizes)


def _called(library: ctypes.CDLL, name: str, inputs: Array, sizes: dict[str, int]) -> Ran:
    scratch = np.zeros(sizes["SCRATCH"] // 4 + 1, np.uint32)
    inputs = np.ascontiguousarray(inputs)
    count, outputs = len(inputs), sizes["OUTPUTS"]
    found: dict[str, Array | None] = {"classes": None, "sums": None, "logits": None}
    if hasattr(library, f"{name}_predict"):
        predict = getattr(library, f"{name}_predict")
        classes = [predict(_at(row), _at(scratch)) for row in inputs]
        found["classes"] = np.array(classes, np.int64)
    for what, kind in (("sums", np.int32), ("logits", np.float32)):
        if hasattr(library, f"{name}_{what}"):
            made = np.zeros((count, outputs), kind)
            function = getattr(library, f"{name}_{what}")
            function.restype = None
            for row, result in zip(inputs, made, strict=True):
                scratch[:] = 0xA5A5A5A5  # what was in it does not matter
                function(_at(row), _at(result), _at(scratch))
            found[what] = made
    return Ran(found["classes"], found["sums"], found["logits"])


def _at(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
