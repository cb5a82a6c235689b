"""After compare_bits.py: why did the original work find 1 bit better than 2, and 4 than float?

QNN goes on from QNN-Framework, whose results are out of order: the fewer bits its hidden layer has,
the worse its net, but for one bit, which is better than two, three and float; and four beat float.
It guessed that the codes of two bits are to blame: -2, -1, 0, 1 are not symmetric. Here its net is
trained as it was, and then one thing after another is put right, until more bits are better.
"""

import sys
from dataclasses import replace
from functools import partial
from typing import Any

from _paradox.figure import ladder_figure
from _paradox.options import FIGURE, WIDTHS, Options, parse
from _paradox.report import accuracies, anatomy
from _paradox.study import BATCH, Found, Recipe, build, configs, data, measure
from qnn_compare import compare
from qnn_core.errors import QnnError
from qnn_core.files import atomic_write
from qnn_core.terminal import command, say

# The ladder: each rung is the one before with one thing changed, in words and as a switch. What the
# switches mean, and the original's arithmetic, is in _paradox/original_layers.py.
CHANGES: dict[str, dict[str, Any]] = {
    "the original": {},
    # It multiplies by the maximum where the values were divided by it.
    "right gradient": {"gradient": "straight-through"},
    # The greatest of 100,000 sums lies far out: in units of it, most of them are zero.
    "step from deviation": {"step": "running deviation"},
    # A code of 4 bits is larger than one of 2, and drives the sigmoid further. A value is not.
    "values, not codes": {"output": "values"},
    # Pixels from 0 to 1 add up to much the same offset for every image, which the codes are spent
    # on.
    "standardized pixels": {"pixels": "standardized"},
    # A few epochs at a rate of 0.01 leave every net half trained, float most of all.
    "better optimizer": {"optimizer": "adam", "lr": 0.001},
}
LADDER: dict[str, Recipe] = {}
for _title, _change in CHANGES.items():
    LADDER[_title] = replace([*LADDER.values()][-1] if LADDER else Recipe(), **_change)
BITS: dict[str, dict[str, Any]] = {
    "float" if bits is None else f"{bits} bits": {"bits": bits} for bits in WIDTHS
}

# How much is the grid? Two bits on three of them, on each rung.
GRIDS: dict[str, dict[str, Any]] = {
    "-2 -1 0 1": {"grid": "twos-complement"},
    "-1 0 1": {"grid": "odd"},
    "-3 -1 1 3": {"grid": "even"},
}

# Everything else that one may suspect, alone.
ALONE = {
    "2 bits": Recipe(),
    "2 bits, a scale frozen for the test": Recipe(step="running maximum"),
    "2 bits, a bias": Recipe(bias=True),
    "1 bit": Recipe(bits=1),
    "1 bit, sign(0) = 1": Recipe(bits=1, sign_of_zero=1),
    "float": Recipe(bits=None),
    "float, learning rate 0.5": Recipe(bits=None, lr=0.5),
}


@command
def main() -> int:
    options = parse(__doc__)
    try:
        return climb(options)
    except QnnError as error:
        say(f"paradox.py: error: {error}", sys.stderr)
        return 1


def climb(options: Options) -> int:
    """Train the ladder, report on it, and return the exit status."""
    setting = options.setting
    recipes = [replace(rung, **bits) for rung in LADDER.values() for bits in BITS.values()]
    if not options.ladder_only:
        recipes += [replace(rung, **grid) for rung in LADDER.values() for grid in GRIDS.values()]
        recipes += ALONE.values()
    found = compare(
        partial(build, hidden=setting.hidden),
        partial(data, setting.dataset, setting.samples),
        configs=configs(recipes),
        measure=measure,
        seeds=options.seeds,
        epochs=setting.epochs,
        batch_size=BATCH,
        executor=options.jobs,
        store=options.folder,
    )
    study = Found(found)
    atomic_write(options.folder / FIGURE, ladder_figure(study, LADDER, WIDTHS))
    print("The ladder: test accuracy in percent, mean +- standard deviation over seeds\n")
    print(accuracies(study, LADDER, BITS))
    if not options.ladder_only:
        print("\nIs it the asymmetry? Two bits with other codes, on each rung\n")
        print(accuracies(study, LADDER, GRIDS))
        print("\nEach of the other suspects alone\n")
        print(accuracies(study, ALONE, {"accuracy": {}}))
    print("\nWhat two bits carry\n")
    print(anatomy(study, LADDER))
    print(f"\nin {options.folder}: {FIGURE}, and a file for each net")
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
