"""A net that was exported as C: its files, its functions, and the sizes that its header states."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import BoardError, ShapeError

INPUT_TYPES = {"uint8_t": np.uint8, "int8_t": np.int8, "float": np.float32}


@dataclass(frozen=True)
class CNet:
    """A net as C: NAME.h, NAME.c and NAME_test.c in a folder.

    Attributes:
        folder: where they are.
        name: what their names and those of their functions begin with.
        inputs: elements of an input.
        outputs: integer sums that come out.
        scratch: bytes of memory that the caller provides.
        input_type: "uint8_t", "int8_t" or "float".
        has_sums: whether there are integers behind its outputs: of float outputs there are none.

    Example:
        >>> import tempfile
        >>> import qnn_core as qnn
        >>> spec = "symmetric:2,scale=1"
        >>> net = qnn.MLP([8, 3], last_weight="binary", last_input=spec, seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = qnn.pack(net, np.zeros((1, 8))).export_c(folder, name="small", transform=(0, 1))
        ...     found = CNet.find(folder)
        >>> found.name, found.inputs, found.outputs, found.input_type
        ('small', 8, 3, 'uint8_t')
    """

    folder: Path
    name: str
    inputs: int
    outputs: int
    scratch: int
    input_type: str
    has_sums: bool = True

    @classmethod
    def find(cls, folder: str | Path, name: str | None = None) -> "CNet":
        """Return the net in a folder.

        Args:
            folder: with the files.
            name: of the net; needed where there are several.

        Raises:
            BoardError: if there is none, or no `name` and several, or its header does not state
                its sizes.
        """
        folder = Path(folder)
        name = name or _only_name(folder)
        header = folder / f"{name}.h"
        if not header.exists():
            raise BoardError(f"there is no {header}")
        text = header.read_text(encoding="utf-8")
        upper = name.upper()
        # A net of one output has as many sums as classes, and need not say so.
        last = "OUTPUTS" if f"{upper}_OUTPUTS" in text else "CLASSES"
        keys = "INPUTS", last, "SCRATCH"
        inputs, outputs, scratch = (_macro(header, text, f"{upper}_{key}") for key in keys)
        return cls(
            folder,
            name,
            inputs,
            outputs,
            scratch,
            _input_type(header, text, name),
            f"{name}_sums(" in text,
        )

    @property
    def source(self) -> Path:
        """The C file of the net."""
        return self.folder / f"{self.name}.c"

    @property
    def test_source(self) -> Path:
        """The C file of its self-test."""
        return self.folder / f"{self.name}_test.c"

    @property
    def predict(self) -> str:
        """Name of the function that gives the class."""
        return f"{self.name}_predict"

    @property
    def sums(self) -> str:
        """Name of the function that gives the integer sums behind the outputs."""
        return f"{self.name}_sums"

    @property
    def selftest(self) -> str:
        """Name of the function that compares the net with its test vectors."""
        return f"{self.name}_selftest"

    @property
    def dtype(self) -> DTypeLike:
        """Dtype of an input."""
        return INPUT_TYPES[self.input_type]

    @property
    def input_bytes(self) -> int:
        """Bytes of an input."""
        return self.inputs * np.dtype(self.dtype).itemsize

    def flags(self) -> list[str]:
        """Return the macros that the programs beside this file need, as flags of a compiler."""
        macros = {
            "NET_HEADER": f'"{self.name}.h"',
            "PREDICT": self.predict,
            "SUMS": self.sums,
            "INPUT_TYPE": self.input_type,
            "INPUTS": self.inputs,
            "OUTPUTS": self.outputs,
            "SCRATCH": self.scratch,
        }
        return [f"-I{self.folder}", *(f"-D{key}={value}" for key, value in macros.items())]

    def check_inputs(self, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return inputs as rows of what the net takes.

        Args:
            inputs: [samples, ...] of the net's dtype.

        Raises:
            ShapeError: if a sample has another number of elements, or another dtype.
        """
        array = np.ascontiguousarray(inputs)
        elements = math.prod(array.shape[1:])
        if array.dtype != self.dtype or array.ndim < 1 or elements != self.inputs:
            raise ShapeError(
                f"{self.name} takes [samples, {self.inputs}] of {np.dtype(self.dtype)}, got "
                f"{list(array.shape)} of {array.dtype}"
            )
        return array.reshape(len(array), self.inputs)


def _only_name(folder: Path) -> str:
    tests = sorted(path.name.removesuffix("_test.c") for path in folder.glob("*_test.c"))
    if len(tests) != 1:
        found = f"those of {', '.join(tests)}; say which" if tests else "none"
        raise BoardError(f"a net is NAME.h, NAME.c and NAME_test.c; {folder} has {found}")
    return tests[0]


def _macro(header: Path, text: str, name: str) -> int:
    line = re.search(rf"^[ \t]*#[ \t]*define[ \t]+{name}[ \t]+\(?(\d+)[uU]?\)?", text, re.MULTILINE)
    if line is None:
        raise BoardError(f"{header} does not define {name} as a number")
    return int(line[1])


def _input_type(header: Path, text: str, name: str) -> str:
    prototype = re.search(rf"\b{name}_predict\s*\(\s*const\s+(\w+)\b", text)
    if prototype is None or prototype[1] not in INPUT_TYPES:
        taken = f"const {prototype[1]}" if prototype else "nothing"
        raise BoardError(
            f"{header}: {name}_predict takes {taken}; known are {', '.join(INPUT_TYPES)}"
        )
    return prototype[1]
