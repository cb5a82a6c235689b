"""What the documentation site has beyond Sphinx; `names` and `data` need none of it."""
