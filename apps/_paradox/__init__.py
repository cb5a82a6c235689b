"""The parts of paradox.py."""
