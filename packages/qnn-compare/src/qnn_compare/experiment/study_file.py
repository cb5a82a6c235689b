"""A comparison that a TOML file describes; errors name the file, the line and the key."""

import functools
import importlib
import inspect
import os
import re
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import cloudpickle
from qnn_core.errors import CompareError, QnnError, nearest

from .arguments import short
from .c_costs import c_options
from .configs import Config, Target
from .grid import configs_of
from .plan import seeds_of
from .question import Question, looks_until
from .recipe import ARGUMENTS, MOST, Recipe
from .spec_bits import with_bits
from .tuning import search_of

Check = Callable[[Any], bool]

# Of each table the keys that are known, what they must be, and whether they must be there.
KEYS: dict[str, dict[str, tuple[str, bool]]] = {
    "compare": {
        "weights": ("a list of specs", False),
        "activations": ("a list of specs", False),
        "bits": ("a list of widths, or of pairs of them", False),
        "seeds": ('a number of seeds, a list of them, or "auto"', False),
        "max_seeds": ("a whole number", False),
        "max_seconds": ("a number", False),
        "reference": ("a name", False),
        "margin": ("a number", False),
        "metric": ("a name", False),
        "c": ("a name", False),
        "keep_packed": ("true or false", False),
    },
    "training": {
        "epochs": ("a whole number", True),
        "batch_size": ("a whole number", False),
        "lr": ("a number", False),
        "optimizer": ("a name", False),
        "loss": ("a name", False),
        "weight_decay": ("a number", False),
        "warm_up": ("a whole number", False),
        "schedule": ("a name", False),
        "momentum": ("a number", False),
        "clip_norm": ("a number", False),
        "calibration": ("a whole number", False),
        "temperature": ("a number", False),
        "teacher_weight": ("a number", False),
        "validation": ("a number", False),
        "keep": ("a name", False),
        "patience": ("a whole number", False),
        "post_training": ("a whole number", False),
        "bias_correction": ("true or false", False),
    },
}
CONFIGS = "config"
TUNE = "tune"
# Tables that name a function; all other keys are its arguments.
FUNCTIONS = {"net": "build", "data": "load"}
# Arguments that these functions get from the comparison.
GIVEN: dict[str, tuple[str, ...]] = {"net": ("weight", "input", "seed"), "data": ()}


@dataclass(frozen=True)
class StudyFile:
    """A file's content, checked.

    Attributes:
        build, data: functions; see `compare`.
        options: the other arguments of `compare`.
    """

    build: Callable[..., Any]
    data: Callable[[], Any]
    options: Mapping[str, Any]


def read_study_file(path: str | Path) -> StudyFile:
    """Read a file such as this one.

    ::

        [compare]
        weights = ["symmetric", "binary"]
        bits = [1, 2, 4, 32]
        seeds = 5

        [net]
        build = "qnn_core:MLP"
        sizes = [784, 1000, 10]
        batch_norm = true

        [data]
        load = "qnn_data:load"
        name = "mnist"

        [training]
        epochs = 10

        [tune]
        lr = [3e-4, 1e-3, 3e-3]

        [[config]]
        name = "first layer at 8 bits"
        weight = "symmetric:2"
        input = "uniform:2"
        first_weight = "symmetric:8"
        recipe = { lr = 1e-4 }
        target = { accuracy = 0.98 }

    ``[tune]`` may be left out; see `compare`. Each ``[[config]]`` is compared beside the grid,
    which may be left out; what it holds beside name, weight, input, recipe and target are arguments
    of the builder. ``build`` and ``load`` are MODULE:FUNCTION, of what is installed or lies beside
    the file; the other keys of their tables are arguments. Such a file is a program: it runs what
    it names, with the rights of whoever runs it. The file's folder is put first where Python looks
    for modules, as it does for a script. An argument that begins with "./" or "../", or whose
    parameter is annotated as a `Path`, is a path from the file's folder.

    Raises:
        CompareError: if the file cannot be read, or says what has no meaning.
    """
    file = _File(Path(path))
    for table in file.content:
        known = (*KEYS, *FUNCTIONS, CONFIGS, TUNE)
        if table not in known:
            file.fail((table,), f"there is no table {table!r}{nearest(table, known)}")
    compared, training = _compared(file), file.values("training")
    for key, value in training.items():
        # The others as far away as they can be: what goes together is checked when all is known.
        file.attempt(("training", key), Recipe(**{"epochs": MOST, key: value}).check)
    file.attempt(("training",), Recipe(**training).check)
    more = {name: value for name, value in training.items() if name not in ARGUMENTS}
    options = compared | {n: v for n, v in training.items() if n in ARGUMENTS}
    if more:
        options["recipe"] = more
    if TUNE in file.content:
        options[TUNE] = file.table(TUNE)
        file.attempt((TUNE,), search_of, options[TUNE], Recipe(**training))
    return StudyFile(file.function("net"), file.function("data"), options)


def _compared(file: "_File") -> dict[str, Any]:
    """Return what is compared, checked."""
    compared = file.values("compare")
    bits = compared.get("bits")
    if bits is not None:
        compared["bits"] = bits = [tuple(b) if isinstance(b, list) else b for b in bits]
        for width in bits:
            for part in width if isinstance(width, tuple) else (width,):
                file.attempt(("compare", "bits"), with_bits, None, part)
    if "max_seeds" in compared:
        file.attempt(("compare", "max_seeds"), looks_until, compared["max_seeds"])
    if "c" in compared:
        file.attempt(("compare", "c"), c_options, compared["c"])
    if "margin" in compared:
        file.attempt(("compare", "margin"), Question, compared["margin"])
    if compared.get("seeds", "auto") != "auto":
        file.attempt(("compare", "seeds"), seeds_of, compared["seeds"])
    if configs := file.configs():
        compared["configs"] = configs
    weights, activations = compared.get("weights"), compared.get("activations")
    if weights is None and not configs:
        file.fail(("compare",), "the key 'weights' is missing: a list of specs")
    if weights is not None:
        # Each alone first, so that the error is on its line.
        file.attempt(("compare", "weights"), configs_of, weights, [None], bits)
        if activations is not None:
            file.attempt(("compare", "activations"), configs_of, [None], activations, bits)
        file.attempt(("compare",), configs_of, weights, activations, bits)
    return compared


class _File:
    """A TOML file, and where its keys stand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # Editors on Windows may begin a file with a byte order mark.
            text = path.read_text(encoding="utf-8-sig")
            self.content: dict[str, Any] = tomllib.loads(text)
        except OSError as error:
            raise CompareError(f"{path} cannot be read: {error.strerror or error}") from error
        except ValueError as error:  # not TOML, not UTF-8, or a number of thousands of digits
            raise CompareError(f"{path} is no TOML: {error}") from error
        except RecursionError as error:
            line = _deepest(text)
            raise CompareError(f"{path}:{line}: brackets are nested too deep") from error
        self.lines = _lines(text)

    def values(self, table: str) -> dict[str, Any]:
        """Return the checked content of a table."""
        content, known = self.table(table), KEYS[table]
        for key in content:
            if key not in known:
                self.fail((table, key), f"there is no such key{nearest(key, known)}")
        for key, (wanted, needed) in known.items():
            if key not in content and needed:
                self.fail((table,), f"the key {key!r} is missing: {wanted}")
            if key in content and not CHECKS[wanted](content[key]):
                self.fail((table, key), f"{wanted} is needed, got {short(content[key])}")
        return content

    def table(self, name: str) -> dict[str, Any]:
        """Return a table that must be there."""
        content = self.content.get(name)
        if not isinstance(content, dict):
            told = "is missing" if content is None else f"is needed, got {short(content)}"
            self.fail((name,), f"the table [{name}] {told}")
        return content

    def configs(self) -> list[Config]:
        """Return the configs that have tables of their own."""
        tables = self.content.get(CONFIGS, [])
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            self.fail((CONFIGS,), f"tables [[{CONFIGS}]] are needed, got {short(tables)}")
        return [self._config(dict(table)) for table in tables]

    def _config(self, content: dict[str, Any]) -> Config:
        place = (CONFIGS,)
        for key, kind in (("recipe", dict), ("target", dict)):
            if key in content and not isinstance(content[key], kind):
                self.fail(place, f"{key} must be a table, got {short(content[key])}")
        try:
            config = self._made(content)
            config.quantizers()
            Recipe(epochs=MOST).changed(config.recipe, started=config.begins_trained)
        except QnnError as error:
            self.fail(place, str(error).removeprefix("compare: "), error)
        except TypeError as error:  # an argument that there is not
            self.fail(place, str(error), error)
        return config

    def _made(self, content: dict[str, Any]) -> Config:
        """Return a config; files are found from the folder of this one."""
        if "target" in content:
            content["target"] = Target(**content["target"])
        if isinstance(content.get("start"), dict):
            file = content["start"].get("file")
            if [*content["start"]] != ["file"] or not isinstance(file, str):
                told = short(content["start"])
                raise CompareError(f'start must be a name, or {{ file = "..." }}, got {told}')
            content["start"] = self.path.resolve().parent / file
        for side in ("weight", "input"):
            if isinstance(content.get(side), dict):
                content[side] = self._quantizer(content[side], side)
        if isinstance(content.get("stages"), list):
            stages = content["stages"]
            content["stages"] = [self._made(dict(s)) if isinstance(s, dict) else s for s in stages]
        return Config(**content)

    def _quantizer(self, given: dict[str, Any], side: str) -> Any:
        """Return a quantizer of the user's own: ``{ class = "mine:Steep", bits = 2 }``."""
        options = {name: value for name, value in given.items() if name != "class"}
        target = given.get("class")
        if not isinstance(target, str) or target.count(":") != 1:
            raise CompareError(
                f'{side} must be a spec, or {{ class = "MODULE:CLASS", bits = 2 }}, got '
                f"{short(given)}"
            )
        module, name = target.split(":")
        try:
            return getattr(self._module(module), name)(**options)
        except QnnError:
            raise
        except Exception as error:  # whatever the module, or the class, does
            raise CompareError(f"{side}: {target}: {_told(error)}") from error

    def function(self, table: str) -> functools.partial[Any]:
        """Return the function of a table, with its arguments."""
        key = FUNCTIONS[table]
        arguments = dict(self.table(table))
        target = arguments.pop(key, None)
        if not isinstance(target, str) or target.count(":") != 1:
            self.fail((table, key), f"MODULE:FUNCTION is needed, got {short(target)}")
        module, name = target.split(":")
        try:
            function = getattr(self._module(module), name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever the module does when it is imported: it may exit
            self.fail((table, key), f"{target}: {_told(error)}", error)
        if not callable(function):
            self.fail((table, key), f"{target} is no function")
        for argument in GIVEN[table]:
            if argument in arguments:
                self.fail((table, argument), "it is given by the comparison: leave it out")
        try:
            inspect.signature(function).bind(**arguments, **dict.fromkeys(GIVEN[table]))
        except TypeError as error:
            self.fail((table,), f"{target}: {error}", error)
        except ValueError:
            pass  # what is built in may have no signature
        resolved = {name: self._resolved(function, name, a) for name, a in arguments.items()}
        found = Called(function, **resolved)
        found.place = f"{self._at((table, key))}: {table}.{key}: {target}"
        return found

    def _resolved(self, function: Callable[..., Any], name: str, value: Any) -> Any:
        """Return an argument; a relative path is one from the file's folder, wherever it is run."""
        if not isinstance(value, str):
            return value
        if value.startswith(("./", "../")) or _takes_path(function, name):
            return str(self.path.resolve().parent / value)
        return value

    def _module(self, name: str) -> Any:
        folder = str(self.path.resolve().parent)
        if folder not in sys.path:
            # As Python does for a script; processes of this machine inherit it.
            sys.path.insert(0, folder)
        module = importlib.import_module(name)
        for beside in [*sys.modules.values()]:
            found = getattr(beside, "__file__", None)
            if found is not None and _real(os.path.dirname(found)) == folder:
                # Workers elsewhere cannot import what lies beside the file: it is sent to them.
                cloudpickle.register_pickle_by_value(beside)
        return module

    def attempt(self, place: Sequence[str], check: Callable[..., object], *given: Any) -> None:
        """Run a check, and say where if it fails."""
        try:
            check(*given)
        except QnnError as error:
            self.fail(place, str(error).removeprefix("compare: "), error)

    def fail(self, place: Sequence[str], told: str, cause: BaseException | None = None) -> NoReturn:
        """Raise a CompareError that says where."""
        raise CompareError(f"{self._at(place)}: {'.'.join(place)}: {told}") from cause

    def _at(self, place: Sequence[str]) -> str:
        """Return the file and the line of a key, or of its table."""
        line = next((f":{self.lines[p]}" for p in _outwards(place) if p in self.lines), "")
        return f"{self.path}{line}"


class Called(functools.partial[Any]):
    """A function with its arguments, whose errors say where in which file it is named."""

    place = ""

    def __call__(self, /, *args: Any, **keywords: Any) -> Any:
        """Call the function; an error gets a note of where it is named."""
        try:
            return super().__call__(*args, **keywords)
        except Exception as error:
            error.add_note(f"{self.place} raised it")
            raise


@functools.cache
def _real(folder: str) -> str:
    """Return a folder of modules without symbolic links: many modules are in few folders."""
    return os.path.realpath(folder)


def _told(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # an error may fail to tell itself
        text = "?"
    return f"{type(error).__name__}: {text}".removesuffix(": ")


def _takes_path(function: Callable[..., Any], name: str) -> bool:
    """Whether an argument is annotated as a path."""
    try:
        parameter = inspect.signature(function).parameters.get(name)
    except ValueError:
        return False
    told = "" if parameter is None else parameter.annotation
    told = told if isinstance(told, str) else getattr(told, "__name__", "") + str(told)
    return re.search(r"\b(Path|PathLike)\b", told) is not None


def _deepest(text: str) -> int:
    """Return the line where the most brackets are open."""
    depth, found, most = 0, 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        for character in line:
            depth += (character in "[{") - (character in "]}")
            if depth > most:
                found, most = number, depth
    return found


def _outwards(place: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(place[:n]) for n in range(len(place), 0, -1)]


def _lines(text: str) -> dict[tuple[str, ...], int]:
    """Return the lines on which tables and keys begin: tomllib does not tell."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?([\w.-]+)\]", line):
            table = tuple(header[1].split("."))
            lines.setdefault(table, number)
        elif key := re.match(r"\s*([\w-]+)\s*=", line):
            lines.setdefault((*table, key[1]), number)
    return lines


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) > 0 and all(map(check, value))


CHECKS: dict[str, Check] = {
    "a list of specs": _listed(lambda value: isinstance(value, str)),
    "a list of widths, or of pairs of them": _listed(
        lambda value: _whole(value) or (_listed(_whole)(value) and len(value) == 2)
    ),
    'a number of seeds, a list of them, or "auto"': lambda value: (
        value == "auto" or _whole(value) or _listed(_whole)(value)
    ),
    "a whole number": _whole,
    "a number": lambda value: _whole(value) or isinstance(value, float),
    "a name": lambda value: isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
}
