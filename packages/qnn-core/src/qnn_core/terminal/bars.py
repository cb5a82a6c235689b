"""Progress bars, in terminals and in notebooks."""

import sys
import warnings
from typing import Any

from .streams import is_terminal


def in_notebook() -> bool:
    """Whether this program runs in the kernel of a notebook.

    Example:
        >>> in_notebook()
        False
    """
    # Imported by whoever runs there: nobody else needs it.
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def is_watched() -> bool:
    """Whether somebody sees a bar on standard error: it is a terminal, or this is a notebook."""
    return is_terminal(sys.stderr) or in_notebook()


def bar(**options: Any) -> Any:
    """Return a bar of tqdm: a widget in a notebook that has such, else text.

    Args:
        options: of tqdm.
    """
    # At its import it decides which, and complains of a notebook without widgets.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # noqa: PLC0415 # it takes a while, and bars are rare

    return tqdm(dynamic_ncols=True, **options)
