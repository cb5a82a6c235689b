"""The file of a packed model: written, compressed, read, and validated."""
