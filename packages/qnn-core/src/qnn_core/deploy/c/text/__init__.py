"""Plans as text of C."""
