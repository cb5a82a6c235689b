"""A package with a quantizer to start from: for ``qnn new-quantizer``."""

import keyword
import re
import secrets
import shutil
from importlib.util import find_spec
from pathlib import Path

from ...errors import SpecError
from ...registry import registered

TEMPLATE = Path(__file__).with_name("template")
FILES = ("README.md", "pyproject.toml", "src/my_quantizer.py", "tests/test_my_quantizer.py")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*([-_][A-Za-z0-9]+)*")

# What the template's files are called and call themselves.
OLD_NAME, OLD_MODULE, OLD_CLASS = "my-quantizer", "my_quantizer", "MyQuantizer"


def new_quantizer(name: str, folder: str | Path) -> list[Path]:
    """Write a package with a quantizer, its registration and its test, ready to install.

    The folder appears when all of it is written, or not at all.

    Args:
        name: what spec strings will call the quantizer, and the name of the distribution; with
            underscores for hyphens, that of the module.
        folder: where to write it: a new folder in one that exists, or an empty one.

    Returns:
        the files written.

    Raises:
        SpecError: if the name is no name, or is in use.
        FileExistsError: if there is something in the folder's place.
        FileNotFoundError: if the folder that it is to be in does not exist.
    """
    names = _names(name)
    folder = Path(folder)
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and _is_empty(folder))):
        raise FileExistsError(f"{folder} is there already, and is no empty folder: choose another")
    if not folder.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {folder.absolute().parent} to write it in")
    # Not tempfile's, which only its owner can enter.
    draft = folder.absolute().parent / f".{folder.name}-{secrets.token_hex(8)}"
    draft.mkdir()
    try:
        files = [_write(file, draft, names) for file in FILES]
        if folder.exists():
            shutil.copymode(folder, draft)
            folder.rmdir()
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return [folder / file for file in files]


def _names(name: str) -> dict[str, str]:
    """Return what stands for each name of the template."""
    module = name.replace("-", "_")
    cls = "".join(part[:1].upper() + part[1:] for part in module.split("_"))
    if not NAME.fullmatch(name) or keyword.iskeyword(module) or cls == "Quantizer":
        raise SpecError(
            f"{name!r} cannot name a quantizer: a letter, then letters and digits, in parts joined "
            "by '-' or '_', and no word of Python, such as 'soft-ternary'"
        )
    for entry in registered():
        if entry.name in (name, module, module.replace("_", "-")):
            raise SpecError(f"{name!r} is taken: {entry}; choose another name")
    if find_spec(module) is not None:
        raise SpecError(f"{name!r} is taken: there is a module {module!r}; choose another name")
    return {OLD_NAME: name, OLD_MODULE: module, OLD_CLASS: cls}


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _write(file: str, draft: Path, names: dict[str, str]) -> Path:
    """Write a file of the template with the new names; return its path inside the package."""
    # In one pass: a new name may hold an old one.
    old = re.compile("|".join(names))
    text, renamed = (
        old.sub(lambda found: names[found[0]], given)
        for given in ((TEMPLATE / file).read_text(encoding="utf-8"), file)
    )
    target = draft / renamed
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")
    return Path(renamed)
