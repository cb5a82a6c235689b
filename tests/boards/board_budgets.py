"""What the nets of these tests cost on each target: ``budgets.json`` is what they may.

    python tests/boards/board_budgets.py

writes it anew; no test does. Read the difference before you commit it: it is what a change costs.
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from exported_nets import NETS, Exported, export
from qnn_core.boards import TARGETS, find_target, measure

FILE = Path(__file__).with_name("budgets.json")
IMAGES = 1
VERSION = r"^.*\b(\d+\.\d+\.\d+)\b"

# Of a net on a target: what is counted, and how much.
Costs = dict[str, int]


def costs(net: Exported, target: str) -> Costs:
    """Return bytes of a net on a target, and instructions and cycles of all images together."""
    found = measure(net.folder, target, net.pixels[:IMAGES], name=net.name)
    counted = {"flash": found.flash, "ram": found.ram, "cycles": int(found.cycles.sum())}
    if found.instructions is not None:
        counted["instructions"] = int(found.instructions.sum())
    return counted


def compiler(target: str) -> str:
    """Return the compiler of a target with its version: another one makes other code."""
    command = [find_target(target).compiler, "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return f"{command[0]} {re.findall(VERSION, done.stdout)[0]}"


def main() -> None:
    budgets: dict[str, dict[str, Costs]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in NETS:
            net = export(name, Path(folder) / name)
            budgets[name] = {target: costs(net, target) for target in TARGETS}
    content = {"compilers": {t: compiler(t) for t in TARGETS}, "budgets": budgets}
    FILE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{FILE}: look at what changed before you commit it")


if __name__ == "__main__":
    main()
