"""The figures of a comparison. Only these modules need matplotlib."""

from .files import PICTURES, Picture, check_any, contents, pictures, write

__all__ = ["PICTURES", "Picture", "check_any", "contents", "pictures", "write"]
