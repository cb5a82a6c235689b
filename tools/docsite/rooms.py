"""The reference: every public name of a module, in the place where it is explained."""

import importlib
import inspect
from typing import Any

from docutils import nodes
from qnn_core.autodiff import Op
from sphinx.errors import ExtensionError
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.docutils import SphinxDirective

from .names import HOMES, ROOMS, docstring, home, public_names
from .pictures import with_picture


class Room(SphinxDirective):
    """``{room} qnn_core.ops``: the names that are at home there, and where the others are."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        (module,) = self.arguments
        homes = {name: home(module, name) for name in public_names(module)}
        own = [name for name, at in homes.items() if at == f"{module}.{name}"]
        links = {name: f":py:obj:`{name} <{at}>`" for name, at in homes.items()}
        parts = ["In this page: " + ", ".join(links[name] for name in own) + "."]
        if len(own) < len(homes):
            others = ", ".join(links[name] for name in homes if name not in own)
            parts.append(f"Also in ``{module}``: {others}.")
        parts += [entry(module, name, self.config) for name in own]
        # Fenced, since the page is Markdown and docstrings are reStructuredText.
        text = "\n\n".join(parts)
        fenced = f"`````{{eval-rst}}\n.. currentmodule:: {module}\n\n{text}\n`````"
        found: list[nodes.Node] = self.parse_text_to_nodes(fenced)
        return found


def entry(module: str, name: str, config: Any) -> str:
    """Return the reStructuredText that documents a name."""
    value = getattr(importlib.import_module(module), name)
    if isinstance(value, type):
        bases = "" if value.__bases__ == (object,) else "\n   :show-inheritance:"
        return f".. autoclass:: {module}.{name}\n   :members:{bases}"
    if inspect.isroutine(value):
        return f".. autofunction:: {module}.{name}"
    # Objects, of which autodoc would show the class.
    if isinstance(value, Op):
        parameters = inspect.signature(value).parameters.values()
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
        head = f".. py:function:: {name}{inspect.Signature(bare)} -> Tensor"
    else:
        head = f".. py:data:: {name}"
    lines = with_picture(GoogleDocstring(docstring(module, name), config).lines(), value)
    return head + "\n\n" + "\n".join(f"   {line}" for line in lines)


def check_coverage(app: Any, env: Any) -> None:
    """Refuse a site that does not document each public name."""
    known = env.get_domain("py").objects
    missing = sorted(set(HOMES.values()) - set(known))
    if missing:
        raise ExtensionError(
            f"public names that no page documents: {', '.join(missing)} "
            f"(a page of docs/reference needs a room for each of {', '.join(ROOMS)})"
        )
