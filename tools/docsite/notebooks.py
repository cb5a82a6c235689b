"""Notebooks as files: each page of the site that was run has them beside it, outputs included."""

import os
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes

FOLDER = "notebooks"
# Of the kernels that run them, whoever makes the site: figures stay sharp, kernels say what fails.
PROFILE = """\
c = get_config()
c.IPKernelApp.log_level = "ERROR"
c.InlineBackend.figure_formats = ["svg"]
"""


def set_profile(app: Any, config: Any) -> None:
    """Give the kernels a profile of their own."""
    folder = Path(app.doctreedir) / "ipython"
    profile = folder / "profile_default" / "ipython_kernel_config.py"
    profile.parent.mkdir(parents=True, exist_ok=True)
    profile.write_text(PROFILE, encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(folder)


def _is_notebook(docname: str) -> bool:
    return docname.startswith(f"{FOLDER}/")


def add_downloads(app: Any, doctree: nodes.document) -> None:
    """Put a link to the notebook below the title of its page."""
    docname = app.env.docname
    title = next(iter(doctree.findall(nodes.title)), None)
    if not _is_notebook(docname) or title is None:
        return
    name = Path(docname).name
    links = [
        nodes.reference("", text, refuri=f"{name}.{suffix}", internal=True)
        for text, suffix in (("Jupyter notebook", "ipynb"), ("script", "py"))
    ]
    line = nodes.paragraph("", "", nodes.Text("As a "), classes=["downloads"])
    line += [links[0], nodes.Text(" with its outputs, as a "), links[1], nodes.Text(".")]
    title.parent.insert(title.parent.index(title) + 1, line)


def copy_notebooks(app: Any, exception: Exception | None) -> None:
    """Copy what was run, and its source, beside the pages."""
    target = Path(app.outdir) / FOLDER
    if exception or not target.is_dir():
        return
    run = Path(app.outdir).parent / "jupyter_execute" / FOLDER
    for source in sorted((Path(app.srcdir) / FOLDER).glob("*.py")):
        shutil.copyfile(source, target / source.name)
        shutil.copyfile(run / f"{source.stem}.ipynb", target / f"{source.stem}.ipynb")
