"""What a site that was made is like: links that lead nowhere, what it takes from elsewhere, weight.

``python -m docsite.check FOLDER`` ends with status 1 if a link is broken or a page would fetch
something from another host.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself, as against what a reader may follow.
FETCHED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "embed": "src"}
ELSEWHERE = re.compile(r"url\(\s*[\"']?\s*(https?:)?//")  # in a style sheet
STYLES = ("stylesheet", "icon", "preload", "modulepreload", "preconnect")


class Page(HTMLParser):
    """The links of a page, what it fetches, and the places in it that a link may name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag in FETCHED and FETCHED[tag] in given:
            self.fetched.append(given[FETCHED[tag]])
        elif tag == "link" and set(given.get("rel", "").split()) & set(STYLES):
            self.fetched.append(given.get("href", ""))
        elif "href" in given:
            self.links.append(given["href"])


def problems(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the pages of a folder, a line for each."""
    pages = {
        path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))
    }
    for path, page in pages.items():
        where = path.relative_to(folder)
        for url in page.fetched:
            if urlsplit(url).netloc or urlsplit(url).scheme not in ("", "data"):
                yield f"{where} fetches {url}"
        for url in page.links + page.fetched:
            if problem := _broken(path, url, pages):
                yield f"{where}: {url}: {problem}"
    for style in sorted(folder.rglob("*.css")):
        text = style.read_text(encoding="utf-8")
        if "@import" in text or ELSEWHERE.search(text):
            yield f"{style.relative_to(folder)} fetches something from elsewhere"


def _broken(path: Path, url: str, pages: dict[Path, Page]) -> str:
    """Return why a link leads nowhere, or ""."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return ""  # another host, or data
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return "there is no such file"
    place = unquote(parts.fragment)
    if place and target in pages and place not in pages[target].places:
        return "there is no such place in it"
    return ""


def weight(folder: Path) -> str:
    """Return how many pages and bytes a site has, by kind of file."""
    sizes: dict[str, int] = defaultdict(int)
    for path in folder.rglob("*"):
        if path.is_file():
            sizes[path.suffix or "other"] += path.stat().st_size
    pages = sorted(path.stat().st_size for path in folder.rglob("*.html"))
    listed = ", ".join(
        f"{s} {n / 1e6:.1f}" for s, n in sorted(sizes.items(), key=lambda i: -i[1])[:6]
    )
    return (
        f"{len(pages)} pages, {pages[len(pages) // 2] / 1e3:.0f} kB in the median, "
        f"{pages[-1] / 1e3:.0f} kB at most; {sum(sizes.values()) / 1e6:.1f} MB in all ({listed})"
    )


def main() -> int:
    """Check the folder that the command line names."""
    folder = Path(sys.argv[1]).resolve()
    found = list(problems(folder))
    if not any(folder.rglob("*.html")):
        print(f"{folder}: there are no pages")
        return 1
    print(*found, sep="\n", end="\n" if found else "")
    print(weight(folder))
    print(f"broken links and foreign files: {len(found)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
