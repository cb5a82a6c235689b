"""The table of operations by name, filled as they are declared.

It stands apart so that `Tensor`'s operators and the tape can call operations that are declared in
the layer above them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .op import Op

OPS: "dict[str, Op]" = {}
