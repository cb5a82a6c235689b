"""Programs and modules from elsewhere; one that is missing is an error that says its remedy."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from ..errors import BoardError, MissingToolError

SECONDS = 1800  # after which a program is ended: one in an emulator may loop for ever
C_SOURCES = Path(__file__).parent / "c"


def require_command(command: str, package: str) -> None:
    """Check that a command can be run.

    Raises:
        MissingToolError: if not; the message names the package of Debian that has it.
    """
    if shutil.which(command) is None:
        raise MissingToolError(f"there is no {command} (Debian: apt-get install {package})")


def require_module(name: str) -> ModuleType:
    """Import a module of the extra ``boards``.

    Raises:
        MissingToolError: if it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingToolError(
            f"there is no Python module {name} (pip install 'qnn-core[boards]'): {error}"
        ) from error


def run(
    command: Sequence[str | Path], stdin: bytes = b"", meanings: Mapping[int, str] | None = None
) -> bytes:
    """Run a command and return its standard output.

    Args:
        command: and its arguments.
        stdin: what it reads.
        meanings: what a status other than 0 means, where it does not say so itself.

    Raises:
        BoardError: if it fails, with its standard error, or does not end.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise BoardError(f"{words[0]} takes longer than {SECONDS:,} s\n{words}") from error
    if done.returncode:
        said = _beginning(done.stderr.decode(errors="replace").strip())
        meaning = (meanings or {}).get(done.returncode, said)
        raise BoardError(f"{words[0]} failed with status {done.returncode}: {meaning}\n{words}")
    return done.stdout


def _beginning(text: str, most: int = 1500) -> str:
    """Return the first lines of a text: what a compiler says later mostly follows from these."""
    return text if len(text) <= most else f"{text[:most]} ..."
