"""What the documentation site has beyond Sphinx: rooms, pictures, notebooks, nets to draw for."""

from typing import Any

from sphinx.domains.python import PyObject

from .live import write_live
from .notebooks import add_downloads, copy_notebooks, set_profile
from .outside import link_outside, skip_foreign
from .pages import OtherPages
from .pictures import add_picture
from .rooms import Room, check_coverage


def setup(app: Any) -> dict[str, Any]:
    """Tell Sphinx."""
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"  # as docstrings call them
    app.add_directive("room", Room)
    app.add_directive("other-pages", OtherPages)
    app.connect("config-inited", set_profile)
    app.connect("autodoc-process-docstring", add_picture, priority=900)  # behind napoleon
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("source-read", link_outside)
    app.connect("doctree-read", add_downloads)
    app.connect("build-finished", copy_notebooks)
    app.connect("build-finished", write_live)
    app.connect("env-check-consistency", check_coverage)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
