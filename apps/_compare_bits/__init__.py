"""The parts of compare_bits.py."""

import _runs  # noqa: F401 - first: it asks for one thread, before NumPy is imported
