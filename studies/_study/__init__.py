"""What all studies share."""

import _runs  # noqa: F401 - first: it asks for one thread, before NumPy is imported
