"""A figure that a notebook shows, whether or not pyplot was imported. It needs matplotlib."""

import io

from matplotlib.figure import Figure

DPI = 110  # of a picture in a notebook


class ShownFigure(Figure):
    """A figure of matplotlib that belongs to no window."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=DPI)
        return content.getvalue()
