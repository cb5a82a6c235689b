"""The site: these pages as Sphinx makes HTML of them, for `nox -s docs`."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

project = "QNN"
author = "The QNN authors"
release = importlib.metadata.version("qnn-core")
html_title = "QNN"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docsite.extension",  # tools/docsite: rooms, pictures, notebooks
]
root_doc = "index"
# docs/README.md is the index where the pages are read as Markdown; the site has index.md.
exclude_patterns = ["README.md", "conf.py"]

highlight_language = "text"  # formulas, output; what is code says so

# Pages: the Markdown that a code host shows too.
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_block", "colon_fence"]
suppress_warnings = [
    "misc.highlighting_failure",  # output with characters that no lexer has
    "ref.python",  # boards and comparisons have a Target each, which annotations call so
    "myst.header",  # in notebooks, Markdown cells may begin with any heading
]

# Notebooks: scripts in percent format, run whenever the site is made.
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_execution_in_temp = True
nb_merge_streams = True
nb_output_stderr = "remove-warn"  # a notebook that warns is mended
nb_code_prompt_show = "A solution"
nb_code_prompt_hide = "A solution"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # no scripts of other hosts

# Reference: from docstrings and signatures.
default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
maximum_signature_line_length = 88
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # attributes are listed; autodoc makes entries of them

html_show_copyright = False

# What it looks like: the palette of the reports of comparisons.
html_theme = "furo"
pygments_style = "default"
pygments_dark_style = "github-dark"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_search_summary = False  # it fetches pages, which a browser refuses for files
html_copy_source = False
templates_path = ["_templates"]
copybutton_exclude = ".linenos, .gp, .go"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b5cad",
        "color-brand-content": "#0b5cad",
        "color-brand-visited": "#0b5cad",
        "color-foreground-primary": "#1b1f23",
        "color-foreground-secondary": "#57606a",
        "color-background-primary": "#ffffff",
        "color-background-secondary": "#f5f6f7",
        "color-background-border": "#d5d9de",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7db7f0",
        "color-brand-content": "#7db7f0",
        "color-brand-visited": "#7db7f0",
        "color-foreground-primary": "#e6e8ea",
        "color-foreground-secondary": "#a3abb3",
        "color-background-primary": "#14171a",
        "color-background-secondary": "#1e2327",
        "color-background-border": "#3a4148",
    },
}
