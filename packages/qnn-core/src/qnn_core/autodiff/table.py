"""The table of operations by name, filled as they are declared.

It stands apart so that `Tensor`'s operators and the tape can call operations that are declared in
the layer above them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .op import Op

OPS: "dict[str, Op]" = {}

# Names of those that every process has, and of those that came from another process.
BUILT_IN: set[str] = set()
RECEIVED: set[str] = set()
