"""Comparison as an experiment: arms paired by seed, and what their differences are worth."""
