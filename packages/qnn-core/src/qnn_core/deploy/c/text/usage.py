"""How a net is called, in a few lines: what the README and the sketch show."""

from dataclasses import dataclass

from .loops import element
from .scores import scores
from .source import Generated


@dataclass(frozen=True)
class Usage:
    """Lines of C that call a net.

    Attributes:
        memory: declares the input, the scratch memory and what comes out.
        call: calls the net; the result is then in `result`.
        result: an expression: the class, or the first number.
        what: it is, in a word.
    """

    memory: str
    call: str
    result: str
    what: str


def usage(g: Generated) -> Usage:
    """Return how a net is called: for its class if it has one, else for its numbers."""
    name, upper, kind = g.name, g.name.upper(), element(g.plan.input)
    memory = (
        f"static {kind} input[{upper}_INPUTS];\n"
        f"static uint32_t scratch[({upper}_SCRATCH + 3) / 4 + 1];\n"
    )
    if scores(g.plan.outputs[0], logits=g.logits) is not None:
        call = f"const int found = {name}_predict(input, scratch);"
        return Usage(memory, call, "found", "class")
    what, number = ("logits", "float") if g.logits else ("sums", "int32_t")
    memory += f"static {number} {what}[{upper}_OUTPUTS];\n"
    return Usage(memory, f"{name}_{what}(input, {what}, scratch);", f"{what}[0]", "first output")
