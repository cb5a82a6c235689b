"""The arrays of a page as one run of bytes: each array once, said by its type, place and length."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...qtensor import pack_bits

Array = NDArray[Any]

# Where an array begins is a multiple of this, as JavaScript's arrays of 32 bits want it.
ALIGNMENT = 4

# Names of types in `engine.js`.
INTEGERS = {"i1": np.int8, "i2": np.int16, "i4": np.int32}


class Blob:
    """Gathers arrays; what is equal is kept once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._known: dict[tuple[str, bytes], int] = {}

    @property
    def content(self) -> bytes:
        """All arrays, little-endian."""
        return b"".join(self._parts)

    def floats(self, array: Array) -> dict[str, Any]:
        """Keep numbers as float32, in C order; return what stands for them in a step."""
        return self._put("f4", np.asarray(array, "<f4").tobytes(), array.size)

    def integers(self, array: Array) -> dict[str, Any]:
        """Keep whole numbers in as few bytes as hold them all."""
        for name, dtype in INTEGERS.items():
            if np.array_equal(array.astype(dtype), array):
                wide = array.astype(np.dtype(dtype).newbyteorder("<"))
                return self._put(name, wide.tobytes(), array.size)
        raise AssertionError("sums of packed nets have 32 bits")

    def codes(self, codes: NDArray[np.uint8], bits: int) -> dict[str, Any]:
        """Keep codes in as many bits as they have."""
        return self._put(f"b{bits}", pack_bits(codes, bits).tobytes(), codes.size)

    def _put(self, name: str, content: bytes, length: int) -> dict[str, Any]:
        key = name, content
        if key not in self._known:
            self._known[key] = self._size
            padded = content + bytes(-len(content) % ALIGNMENT)
            self._parts.append(padded)
            self._size += len(padded)
        return {"type": name, "at": self._known[key], "length": length}
