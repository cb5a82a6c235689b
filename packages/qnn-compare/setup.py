"""Say what to do where this package is being installed and there will be no qnn-core.

qnn-core is on no package index: pip or uv would look for it there, and find nothing, or what a
stranger has put there. So a build ends if one of them is seen to be installing this folder or
archive, names no qnn-core, and the environment has none. In doubt it goes on: what they say
themselves is enough then.

qnn-compare and qnn-quantizers have the same file, and a test holds them to it: each sdist is built
alone, and nothing that a build could import for it is on an index either.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from setuptools import setup

NAME = re.search('^name = "(.+)"', Path("pyproject.toml").read_text("utf-8"), re.MULTILINE)[1]
# What may bring requirements that are not seen here, or leave them out, or is for elsewhere.
IN_DOUBT = re.compile(
    "-[rcfitp]|--(requirement|constraint|group|find-links|index|default-index|extra-index-url"
    "|no-index|no-deps|target|prefix|root|python|system)"
)
ADVICE = (
    f"{NAME} needs qnn-core, which is not installed and is on no package index. Install both in "
    f"one command, from the root of the repository: pip install packages/qnn-core packages/{NAME}"
)


def caller():
    """Return arguments, folder and variables of the process that asked for the build, on Linux."""
    process = Path("/proc", str(os.getppid()))
    try:
        arguments, variables = (
            (process / name).read_text("utf-8", errors="replace").split("\0")
            for name in ("cmdline", "environ")
        )
        folder = (process / "cwd").resolve(strict=True)
    except OSError:
        return [""], Path(), {}
    return arguments, folder, dict(pair.partition("=")[::2] for pair in variables)


def installs_without_core(arguments, folder):
    """Whether arguments are those of an installation of this from a path, and of no qnn-core."""
    if "install" not in arguments or any(map(IN_DOUBT.match, arguments)):
        return False
    paths = [folder / argument.partition("[")[0] for argument in arguments[1:]]
    own = any(path.resolve() == Path.cwd() or is_archive(path, NAME) for path in paths)
    return own and not any(is_core(path) for path in paths)


def is_archive(path, name):
    return path.suffix == ".gz" and path.name.startswith(name.replace("-", "_") + "-")


def is_core(path):
    """Whether an argument names qnn-core: by its name, a path with it, or a folder that is it."""
    if re.search("qnn[-_.]core", path.name, re.IGNORECASE):
        return True
    project = path / "pyproject.toml"
    return project.is_file() and 'name = "qnn-core"' in project.read_text("utf-8")


def target(program, folder, variables):
    """Return the interpreter that gets the package: pip's is ours, uv builds with another."""
    if Path(program).stem != "uv":
        return Path(sys.executable)
    return Path(variables.get("VIRTUAL_ENV") or folder / ".venv", "bin", "python")


def has_core(interpreter):
    """Whether an interpreter's environment has qnn-core; what a build adds is not looked at."""
    code = "from importlib.metadata import version; version('qnn-core')"
    done = subprocess.run([interpreter, "-EPc", code], capture_output=True, check=False)
    return done.returncode == 0


arguments, folder, variables = caller()
if installs_without_core(arguments, folder):
    interpreter = target(arguments[0], folder, variables)
    if interpreter.exists() and not has_core(interpreter):
        sys.exit(ADVICE)
setup()
