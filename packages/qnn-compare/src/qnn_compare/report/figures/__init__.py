"""The figures of a comparison. Only these modules need matplotlib."""

from .files import PICTURES, Picture, check_any, contents, figure_of, pictures, write

__all__ = ["PICTURES", "Picture", "check_any", "contents", "figure_of", "pictures", "write"]
