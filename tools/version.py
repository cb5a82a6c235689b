"""Print the version that the packages lead to, or write another.

    python tools/version.py [0.2.0 | --changes]

With --changes it prints what the changelog says of it.
It stands in many places, since every package builds by itself; tests/test_versions.py finds one
that was forgotten. Tags are what makes a version of it: see CONTRIBUTING.md.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECTS = sorted((ROOT / "packages").glob("*/pyproject.toml"))
NUMBER = r"\d+\.\d+\.\d+"
# Each pattern's first group is before what is replaced, its last behind.
DEVELOPED = re.compile(rf'((?:default-version|distance|distance-dirty) = ")({NUMBER})(\.dev)')
PINNED = re.compile(r'("qnn-core==)(\d+\.\d+)(\.\*")')
CITED = re.compile(rf"(?m)^(version: )({NUMBER})()$")


def current() -> str:
    """Return the one number that all packages have, or raise ValueError with all of them."""
    found = {match[2] for path in PROJECTS for match in DEVELOPED.finditer(path.read_text("utf-8"))}
    if len(found) != 1:
        raise ValueError(f"the packages lead to several versions: {', '.join(sorted(found))}")
    return found.pop()


def write(number: str) -> None:
    """Write a number wherever one stands, except in the changelog."""
    for path in [*PROJECTS, ROOT / "CITATION.cff"]:
        text = path.read_text("utf-8")
        text = DEVELOPED.sub(rf"\g<1>{number}\g<3>", text)
        text = PINNED.sub(rf"\g<1>{number.rpartition('.')[0]}\g<3>", text)
        path.write_text(CITED.sub(rf"\g<1>{number}", text), "utf-8")


def changes() -> str:
    """Return the text of the changelog's newest entry, without its heading."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    return text.split("\n## ")[1].partition("\n")[2].strip()


def main(arguments: list[str]) -> None:
    match arguments:
        case []:
            print(current())
        case ["--changes"]:
            print(changes())
        case [number] if re.fullmatch(NUMBER, number):
            write(number)
        case _:
            sys.exit(
                f"expected nothing, --changes or a version such as 0.2.0, got {' '.join(arguments)}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
