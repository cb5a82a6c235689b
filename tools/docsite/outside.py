"""Links that leave docs/, as into apps/: the site takes the files along, to be downloaded."""

import re
from typing import Any

LINK = re.compile(
    r"(?<=\]\()((?:\.\./)+(?:apps|benchmarks|packages|studies|tests|tools)/[^)#\s]+)[^)\s]*"
)


def link_outside(app: Any, docname: str, source: list[str]) -> None:
    """Say of links to files of the tree that are no pages that they are such."""
    source[0] = LINK.sub(r"path:\1", source[0])


def skip_foreign(*given: Any) -> bool | None:
    """Leave out methods that other libraries add: ``app, what, name, obj, skip, options``."""
    return True if str(given[2]).endswith("_request") else None  # of scikit-learn's estimators
