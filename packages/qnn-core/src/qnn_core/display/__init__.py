"""How objects show themselves: HTML, SVG and PNG for notebooks, without a library; figures with."""

from .codes import codes_picture
from .figure import BLUE, ORANGE, figure_for, panels_for, plain, saved
from .html import block, escape, facts, html_table, preformatted, sentence
from .sampled import sampled
from .staircase import staircase
from .svg import Plot

__all__ = [
    "BLUE",
    "ORANGE",
    "Plot",
    "block",
    "codes_picture",
    "escape",
    "facts",
    "figure_for",
    "html_table",
    "panels_for",
    "plain",
    "preformatted",
    "sampled",
    "saved",
    "sentence",
    "staircase",
]
