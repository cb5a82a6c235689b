"""What a report says of how a study was done, and how to do it again."""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qnn_core.quantizer import Quantizer

from ...experiment.own_quantizer import ToldQuantizer, name_of_quantizer
from ...experiment.spec_bits import FLOAT
from ...formatting import counted, seconds

if TYPE_CHECKING:
    from ...comparison import Comparison


class Fact(NamedTuple):
    """A name and what it is."""

    name: str
    value: str


def configuration(comparison: "Comparison") -> list[Fact]:
    """Return all that numbers depend on, but for config and seed; names of parts have dots."""
    plan = comparison.plan
    seeds = Fact("seeds", ", ".join(map(str, comparison.seeds)))
    schemes = {f"scheme {name}": code for name, code in plan.schemes.items()}
    return [seeds, *_flat({**_brief(plan.configuration), **schemes})]


def sessions(comparison: "Comparison") -> list[Fact]:
    """Return when runs were run, how many, in what time, and that what they packed is exact."""
    told = [
        Fact(str(session.get("started", "?")), _session(session)) for session in comparison.sessions
    ]
    done = [result for result in comparison.results.values() if result.done]
    packed = [result.difference for result in done if result.difference is not None]
    if packed and told:
        what = (
            f"{len(packed)} of {counted(len(done), 'net')}; greatest difference of a packed net's "
            f"outputs to the trained one's, on all test samples: {max(packed):g}"
        )
        told.append(Fact("packed", what))
    return told


def machines(comparison: "Comparison") -> list[Fact]:
    """Return the machines and versions that runs were run with, each once."""
    told = dict.fromkeys(
        Fact(kind, ", ".join(f"{name} {value}" for name, value in session[key].items()))
        for session in comparison.sessions
        for kind, key in (("machine", "machine"), ("versions", "versions"))
        if isinstance(session.get(key), Mapping)
    )
    return sorted(told)


def commands(comparison: "Comparison") -> list[str]:
    """Return the commands that ran it, each once."""
    given = [
        [*map(str, session["command"])] for session in comparison.sessions if session.get("command")
    ]
    # The folder that a script is in is nobody's business.
    return list(dict.fromkeys(shlex.join([Path(first).name, *rest]) for first, *rest in given))


def call(comparison: "Comparison") -> str:
    """Return the call that makes this comparison again, as far as it is known."""
    known = _brief(comparison.plan.configuration)
    recipe = known.get("recipe", {})
    lines = [f"    build,  # {known.get('build', '?')}", f"    data,  # {_data(known)}"]
    configs = [*_configs(comparison)]
    used = [name for name in ("Config", "Target") if any(f"{name}(" in line for line in configs)]
    lines += [f"    {line}" for line in configs]
    lines += [f"    {line}" for line in _asked(comparison)]
    given = {**recipe, **{name: known[name] for name in ("measure", "c") if name in known}}
    lines += [f"    {_argument(name, value)}" for name, value in given.items()]
    return "\n".join(
        [f"from qnn_compare import {', '.join([*used, 'compare'])}", "", "compare(", *lines, ")"]
    )


def _asked(comparison: "Comparison") -> Iterator[str]:
    """Yield the arguments that say how many seeds are taken, and what verdicts answer."""
    question = comparison.plan.question
    if question.looks:
        yield f'seeds="auto",  # it took {", ".join(map(str, comparison.seeds))}'
        yield f"max_seeds={question.looks[-1]},"
    else:
        yield f"seeds={[*comparison.seeds]},"
    yield f"margin={comparison.margin!r},"
    if question.reference is not None:
        yield f"reference={question.reference!r},"
    if (tuning := comparison.plan.tuning) is not None and tuning.tried:
        tried = tuning.values(tuning.tried[0].config) | {"seeds": tuning.seeds}
        yield f"# The recipes of the configs were chosen by tune={tried!r}."


def _data(known: Mapping[str, Any]) -> str:
    told = known.get("data", "?")
    return " ".join(map(str, told.values())) if isinstance(told, Mapping) else str(told)


def _brief(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with each function by its name and a digest of all that it uses."""
    found: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping) and "is" in value:
            whole = hashlib.blake2b(json.dumps(value).encode(), digest_size=8).hexdigest()
            found[name] = f"{value['is']} {whole}"
        else:
            found[name] = _brief(value) if isinstance(value, Mapping) else value
    return found


def _configs(comparison: "Comparison") -> Iterator[str]:
    """Yield the arguments that give these configs: a list, or a grid."""
    configs = [(config.weight or FLOAT, config.input or FLOAT) for config in comparison.configs]
    weights, inputs = (list(dict.fromkeys(side)) for side in zip(*configs, strict=True))
    plain = all(not (c.own_name or c.options or c.recipe) for c in comparison.configs)
    if plain and all(weight == input for weight, input in configs):
        yield from _listed("weights", weights)
    elif plain and {*configs} == {*product(weights, inputs)}:
        yield from _listed("weights", weights)
        yield from _listed("activations", inputs)
    else:
        yield "configs=["
        yield from (f"    {config!r}," for config in comparison.configs)
        yield "],"


def _listed(name: str, quantizers: Sequence[str | Quantizer | ToldQuantizer]) -> Iterator[str]:
    yield f"{name}=["
    for given in quantizers:
        # An object, which only the script can make, stands by its name: Ternary:2.
        yield f"    {json.dumps(given) if isinstance(given, str) else name_of_quantizer(given)},"
    yield "],"


def _argument(name: str, value: Any) -> str:
    """Return an argument; of a function only the name and digest are known."""
    if isinstance(value, str) and "." in value:
        return f"{name}={name},  # {value}"
    return f"{name}={json.dumps(value) if isinstance(value, str) else repr(value)},"


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[Fact]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield Fact(f"{prefix}{name}", str(value))


def _session(session: Mapping[str, Any]) -> str:
    told = [counted(session.get("cells", 0), "run"), f"in {seconds(session.get('seconds'))}"]
    if session.get("executor"):
        told.append(f"on {session['executor']}")
    return " ".join(told)
