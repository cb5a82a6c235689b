"""A table of contents of the pages that no other lists: a new page is in the site at once."""

from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.directives.other import TocTree


class OtherPages(TocTree):
    """``{other-pages}``: entries as in a toctree, then all pages beside it that no page lists."""

    content: Any

    def run(self) -> list[nodes.Node]:
        folder = Path(self.env.srcdir)
        tables = "".join(p.read_text(encoding="utf-8") for p in folder.glob("*.md"))
        listed = {line.strip().split("<")[-1].rstrip(">") for line in tables.splitlines()}
        others = [
            page.stem
            for page in sorted(folder.glob("*.md"))
            if page.stem not in {*listed, "index", "README"}
        ]
        self.content = StringList([*self.content, *others], source=self.get_source_info()[0])
        found: list[nodes.Node] = super().run()
        return found
