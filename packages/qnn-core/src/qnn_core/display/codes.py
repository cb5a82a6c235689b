"""The codes of an array as a small picture, by the standard library."""

import base64
import math
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from .html import escape

MOST_ROWS, MOST_COLUMNS = 192, 512  # of a picture; more are cut off
WIDE = 280  # pixels that a small picture is enlarged to
LARGEST = 14  # pixels of a code

NEGATIVE, POSITIVE = (0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00)  # blue and orange, as in figure.py


def codes_picture(codes: NDArray[np.uint8], levels: NDArray[np.float32]) -> str:
    """Return an ``<img>`` with a pixel for each code, and a line that says how to read it.

    Blue levels are below 0, orange ones above; the farther from 0, the stronger; 0 is clear.

    Args:
        codes: of any shape; rows are the first axis, all others lie beside each other.
        levels: the value of each code.
    """
    if not codes.size:
        return ""
    count = len(codes) if codes.ndim > 1 else 1
    rows = (
        codes[:MOST_ROWS].reshape(min(count, MOST_ROWS), -1) if count > 1 else codes.reshape(1, -1)
    )
    shown = np.ascontiguousarray(rows[:, :MOST_COLUMNS])
    height, width = shown.shape
    times = max(1, min(LARGEST, WIDE // max(height, width)))
    content = base64.b64encode(_png(shown, _palette(levels))).decode()
    cut = f"; {height} x {width} of {count} x {rows.shape[1]}" if shown.size < codes.size else ""
    told = f"codes, rows by the first axis{cut}: blue below 0, orange above, 0 clear"
    return (
        f'<img src="data:image/png;base64,{content}" alt="{escape(told)}" '
        f'width="{times * width}" height="{times * height}" style="image-rendering:pixelated;'
        'max-width:100%;height:auto;margin:0.3em 0;border:1px solid rgba(128,128,128,0.4)">'
        f'<div style="opacity:0.8">{escape(told)}</div>'
    )


def _palette(levels: NDArray[np.float32]) -> list[tuple[int, int, int, int]]:
    """Return red, green, blue and opacity of each code."""
    most = float(np.abs(levels).max()) or 1.0
    # The root: the small levels of logarithmic schemes would be too pale.
    return [
        (*(NEGATIVE if level < 0 else POSITIVE), round(255 * math.sqrt(abs(float(level)) / most)))
        for level in levels
    ]


def _png(pixels: NDArray[np.uint8], palette: list[tuple[int, int, int, int]]) -> bytes:
    """Return a PNG file of indices into a palette (ISO/IEC 15948)."""
    height, width = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    # Each row begins with a byte that says how it is filtered: not at all.
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = pixels
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", bytes(part for color in palette for part in color[:3])),
            _chunk(b"tRNS", bytes(color[3] for color in palette)),
            _chunk(b"IDAT", zlib.compress(rows.tobytes())),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )
