"""Experiments: configs, runs, seeds, stores, and where they are executed."""
