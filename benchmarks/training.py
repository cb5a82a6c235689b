"""Time training beside other frameworks: steps, a whole epoch, the cost of an operation.

    nox -s bench -- [steps] [epoch] [overhead] [--quick] [--nets mlp] [--peers jax] [--json FILE]

steps     a training step of the same net on the same batch in each framework: milliseconds, images
          per second, the most memory, and the time as a multiple of ours
epoch     a whole epoch through `qnn_data.DataLoader` and `fit`, beside bare steps
overhead  nanoseconds per operation on arrays of one element

Each framework runs in a process of its own with as many processors as threads; they take turns,
and the numbers are medians over the rounds. benchmarks/README.md says how to read them.
"""

import argparse
import json
import math
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any

import _training_marks as marks
import numpy as np
from _training_nets import LR, NETS, VARIANTS, Net, Variant
from _training_pool import race
from _training_ways import OURS, WAYS
from qnn_core.files import atomic_write
from tabulate import tabulate
from threadpoolctl import threadpool_info

MODES = ("steps", "epoch", "overhead")
QUICK = {"nets": ["small"], "variants": ["float", "w2a2"], "threads": [1], "rounds": 3}
FULL = {"nets": list(NETS), "variants": list(VARIANTS), "threads": [1, 2], "rounds": 15}
# Seconds of a turn.
TURN, QUICK_TURN = 0.1, 0.01
PER_OP = ("numpy", "torch", "jax")


def main() -> None:
    options = _options()
    report: dict[str, Any] = {"machine": machine(), "settings": settings(options), "missing": {}}
    print("\n".join(f"{key}: {value}" for key, value in report["machine"].items()))
    for mode in options.modes or MODES:
        run = {"steps": steps, "epoch": epoch, "overhead": overhead}[mode]
        report[mode] = list(run(options, report["missing"]))
    report["marks"] = [
        *marks.of_steps(report.get("steps", [])),
        *marks.of_epochs(report.get("epoch", [])),
    ]
    if report["marks"]:
        print("\nmarks, one thread: ours as a multiple of what is named, the fastest of it\n")
        print(tabulate(report["marks"], headers="keys", floatfmt=".2f"))
    if report["missing"]:
        print("\nnot timed:")
        print("\n".join(f"  {name}: {why}" for name, why in report["missing"].items()))
    if options.json:
        text = json.dumps(report, indent=1, allow_nan=False) + "\n"
        atomic_write(options.json, text.encode())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    others = [way for way in WAYS if not way.startswith(OURS)]
    add = parser.add_argument
    add("modes", nargs="*", metavar="MODE", help=f"of {', '.join(MODES)} (default: all)")
    add("--nets", nargs="+", choices=NETS, help="default: all")
    add("--variants", nargs="+", choices=VARIANTS, help="default: all")
    add("--peers", nargs="*", choices=others, default=others, help="beside ours (default: all)")
    add("--threads", type=int, nargs="+", help="processors of each process (default: 1 2)")
    add("--rounds", type=int, help=f"turns of each (default: {FULL['rounds']})")
    add("--quick", action="store_true", help="few and short turns of little: to see that it works")
    add("--python-for", nargs="+", default=[], metavar="PEER=PYTHON", help="its interpreter")
    add("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.turn = QUICK_TURN if options.quick else TURN
    if unknown := set(options.modes) - set(MODES):
        parser.error(f"unknown mode {', '.join(sorted(unknown))}: of {', '.join(MODES)}")
    pairs = [pair.partition("=") for pair in options.python_for]
    options.pythons = {name: python for name, _, python in pairs}
    if bad := [name for name, _, python in pairs if name not in WAYS or not python]:
        parser.error(f"--python-for {bad[0]}: needed is PEER=PYTHON, PEER of {', '.join(others)}")
    if absent := [python for python in options.pythons.values() if shutil.which(python) is None]:
        parser.error(f"--python-for: there is no {absent[0]}")
    if options.rounds < 1 or min(options.threads) < 1:
        parser.error("--rounds and --threads must be at least 1")
    return options


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was asked for, as JSON has it."""
    names = ("modes", "nets", "variants", "peers", "threads", "rounds", "turn", "quick")
    return {**{name: getattr(options, name) for name in names}, "lr": LR}


def steps(options: argparse.Namespace, missing: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Time the steps, a table for each net and number of threads."""
    gone: set[str] = set()
    for threads in options.threads:
        for net in (NETS[name] for name in options.nets):
            records: list[dict[str, Any]] = []
            floats: dict[str, float] = {}
            wanted = [VARIANTS[name] for name in options.variants]
            for variant in (one for one in wanted if one.fits(net)):
                found = _race_steps(options, net, variant, threads, gone)
                for way, record in found.items():
                    if "missing" in record:
                        where = way if way in gone else f"{way}, {net.name} {variant.name}"
                        missing.setdefault(where, record["missing"])
                records += _step_records(found, net, variant, threads, floats)
            of = f"{net.label}, batch {net.batch}, {net.optimizer}"
            print(f"\ntraining step of {of}, threads: {threads}\n")
            print(tabulate([_row(r) for r in records], headers="keys", floatfmt=FORMATS))
            yield from records


# Of the columns of `_row`.
FORMATS = ("", "", ".3f", ".0f", ".2f", ".2f", ".0f", "")


def _race_steps(
    options: argparse.Namespace, net: Net, variant: Variant, threads: int, gone: set[str]
) -> dict[str, dict[str, Any]]:
    """Time one variant in each framework that has it; who cannot be imported is not asked again."""
    ways = [
        name
        for name, way in WAYS.items()
        if (name.startswith(OURS) or name in options.peers)
        and name not in gone
        and way.supports(net, variant)
    ]
    common = {"job": "_training_steps", "net": net.name, "variant": variant.name}
    tasks = {w: {**common, "way": w, "threads": threads, "slice": options.turn} for w in ways}
    env = {name: WAYS[name].env for name in ways}
    found = race(tasks, options.rounds, options.pythons, env)
    gone.update(name for name, record in found.items() if not record.get("importable", True))
    return found


def _step_records(
    found: dict[str, dict[str, Any]],
    net: Net,
    variant: Variant,
    threads: int,
    floats: dict[str, float],
) -> Iterator[dict[str, Any]]:
    """Yield what was measured; `floats` has each way's float step, for the variants after it."""
    ours = found.get(OURS, {}).get("seconds", {}).get("step")
    for way, record in found.items():
        if "missing" in record:
            continue
        seconds = record["seconds"]["step"]
        rounds = record["rounds"]["step"]
        if variant.bits == 32:
            floats[way] = seconds
        yield {
            "threads": threads,
            "net": net.name,
            "variant": variant.name,
            "way": way,
            "ms": seconds * 1e3,
            "images_per_s": net.batch / seconds,
            "times_qnn": seconds / ours if ours else None,
            "times_float": seconds / floats[way] if way in floats else None,
            "memory_mb": record["memory_mb"],
            "memory_build_mb": record["memory_build_mb"],
            "quartiles_ms": [1e3 * q for q in quantiles(rounds, n=4)] if rounds[1:] else None,
            "note": "; ".join(_notes(record, variant)),
            "busy_when_idle": record["busy_when_idle"],
            "losses": [loss if math.isfinite(loss) else None for loss in record["losses"]],
            "versions": record["versions"],
        }


def _notes(record: dict[str, Any], variant: Variant) -> Iterator[str]:
    """Yield how it was done, and what casts doubt on its number."""
    if record["note"]:
        yield record["note"]
    before, after = record["losses"]
    # One bit and ReLU: all inputs of a layer are +1, so there is little to learn.
    if not math.isfinite(after) or (variant.bits > 1 and after >= before):
        yield f"DOES NOT LEARN: loss {before:.3g} -> {after:.3g}"
    if (record["busy_when_idle"] or 0) > 0.05:
        yield f"{record['busy_when_idle']:.0%} BUSY WHILE OTHERS WORKED"


def _row(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "variant": record["variant"],
        "framework": record["way"],
        "ms": record["ms"],
        "images/s": record["images_per_s"],
        "x qnn": record["times_qnn"],
        "x float": record["times_float"],
        "peak MB": record["memory_mb"],
        "": record["note"],
    }


def epoch(options: argparse.Namespace, missing: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Time an epoch through loader and `fit` beside the bare steps, and float ones by hand."""
    data = "mnist" if os.environ.get("QNN_DATA") and not options.quick else "mnist-mini"
    records = []
    for threads in options.threads:
        common = {"job": "_training_epoch", "data": data, "slice": options.turn}
        tasks = {v: {**common, "variant": v, "threads": threads} for v in ("float", "w2a2")}
        # Long calls: a few are enough.
        for variant, record in race(tasks, min(options.rounds, 5), {}, {}).items():
            if "missing" in record:
                missing[f"epoch, {variant}"] = record["missing"]
                continue
            speed = {name: record["images"] / s for name, s in record["seconds"].items()}
            records.append(
                {
                    "threads": threads,
                    "variant": variant,
                    "data": record["data"],
                    "images": record["images"],
                    "numpy_images_per_s": speed.get("numpy"),
                    "bare_images_per_s": speed["bare"],
                    "fit_images_per_s": speed["fit"],
                    "augmented_images_per_s": speed["augmented"],
                    "fit_of_bare": speed["fit"] / speed["bare"],
                    "augmented_of_bare": speed["augmented"] / speed["bare"],
                    "memory_mb": record["memory_mb"],
                }
            )
    print(f"\nepoch of {NETS['mlp'].label}, images/s: bare steps, and through loader and fit\n")
    names = {
        "threads": "threads",
        "variant": "variant",
        "data": "data",
        "numpy_images_per_s": "numpy",
        "bare_images_per_s": "bare",
        "fit_images_per_s": "loader and fit",
        "augmented_images_per_s": "augmented",
        "fit_of_bare": "fit / bare",
        "augmented_of_bare": "augmented / bare",
    }
    rows = [{header: record[name] for name, header in names.items()} for record in records]
    formats = ("", "", "", ".0f", ".0f", ".0f", ".0f", ".2f", ".2f")
    print(tabulate(rows, headers="keys", floatfmt=formats))
    yield from records


def overhead(options: argparse.Namespace, missing: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Time additions of one element, on one processor."""
    ways = [OURS, *(way for way in PER_OP if way in options.peers)]
    common = {"job": "_training_overhead", "threads": 1, "slice": options.turn}
    tasks = {way: {**common, "way": way} for way in ways}
    found = race(tasks, options.rounds, options.pythons, {})
    records = []
    for way, record in found.items():
        if "missing" in record:
            missing.setdefault(way, record["missing"])
            continue
        times = record["seconds"].items()
        records += [{"way": way, "what": what, "ns_per_op": s * 1e7} for what, s in times]
    print("\nchain of 100 additions of arrays of shape (1,), nanoseconds per addition\n")
    print(tabulate(records, headers="keys", floatfmt=".0f"))
    yield from records


def machine() -> dict[str, str]:
    """Return what the numbers depend on."""
    blas = ", ".join(
        f"{i['internal_api']} {i['version']} {i.get('architecture', '')}" for i in threadpool_info()
    )
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "BLAS": blas,
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} processors",
        "processor": _processor(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


if __name__ == "__main__":
    main()
