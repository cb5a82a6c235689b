"""Products that are rows of inputs times a matrix: linear layers, and convolutions of 1 x 1."""

from ..plan import Product


def is_rows(product: Product) -> bool:
    """Return whether a product is one, with inputs that 8 bits hold above the least one."""
    window = product.window
    least, most = input_ends(product)
    return (
        product.groups == 1
        and product.pool is None
        and (window.kernel, window.stride, window.padding) == ((1, 1), (1, 1), (0, 0))
        and most - least < 256
        and product.k > 0
    )


def input_ends(product: Product) -> tuple[int, int]:
    """Return the least and the greatest that an input can enter with."""
    if product.table is not None:
        return int(product.table.min()), int(product.table.max())
    return -product.offset, product.input_high


def input_digits(product: Product, bits: int) -> int:
    """Return how many digits of so many bits inputs have, counted from the least."""
    least, most = input_ends(product)
    return max(1, -(-(most - least).bit_length() // bits))
