"""The command ``qnn``."""

from .commands import main

__all__ = ["main"]
