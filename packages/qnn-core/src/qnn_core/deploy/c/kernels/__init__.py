"""Ways to compute a product in C, and which one to take."""

from .base import Kernel
from .choose import KERNELS, choose

__all__ = ["KERNELS", "Kernel", "choose"]
