"""Studies with results that are made up, in every shape that a reader must be able to read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from qnn_compare import Comparison, Config, LeftOut, Result
from qnn_compare.experiment.plan import Plan
from qnn_compare.experiment.result import failed

IMAGES = 1000
# What a browser, a table or LaTeX would take for its own.
NASTY = """<script>alert('&amp;')</script> | "100 %" of a_b {{ 7 * 7 }} *bold* \\ $x^2$ é"""

RUN = {
    "started": "2026-01-02T03:04:05+00:00",
    "command": ["/home/somebody/study.py", "--epochs", "4", "<b>"],
    "executor": "2 processes of this machine",
    "machine": {"system": "Linux x86_64", "processor": "A & B", "cores": 2, "kernels": "avx2"},
    "versions": {"python": "3.11.2", "numpy": "2.4.0", "qnn-core": "0.1.0"},
    "seconds": 83.2,
    "cells": 10,
}


def run(config: Config, seed: int, accuracy: float, *, epochs: int = 6) -> Result:
    """Return a result whose numbers follow from the accuracy and the bits."""
    right = np.arange(IMAGES) < round(accuracy * IMAGES)
    right = np.random.default_rng(seed).permutation(right)
    bits = sum(config.bits) // 2
    way = 1 - 0.5 ** np.arange(1, epochs + 1)
    return Result(
        config.name,
        seed,
        accuracy=float(right.mean()),
        loss=0.3,
        correct=right,
        nbytes=2000 + 3300 * bits + seed,
        macs={f"{config.bits[0]}x{config.bits[1]}": 100_000, "32x32": 640},
        latency={"1": 1e-6 * (4 + bits), "100": 1e-4 * (1 + bits)},
        train_seconds=1.5 + seed,
        seconds=2.0,
        history=[
            {
                "loss": float(2.3 * (1 - accuracy * w) + 0.01),
                "accuracy": float(accuracy * w),
                "test_loss": 1.0,
                "test_accuracy": float(accuracy * w),
            }
            for w in way
        ],
    )


def study(
    accuracies: Mapping[Config, Sequence[float | str | None]],
    *,
    left_out: Sequence[LeftOut] = (),
    epochs: int = 6,
) -> Comparison:
    """Return a comparison; an accuracy for each seed, the reason of a failure, or None: not run."""
    seeds = max(map(len, accuracies.values()))
    results = {}
    for config, values in accuracies.items():
        for seed, value in enumerate(values):
            if isinstance(value, str):
                results[config.name, seed] = failed(
                    config.name, seed, "diverged", value, seconds=1.0
                )
            elif value is not None:
                results[config.name, seed] = run(config, seed, value, epochs=epochs)
    plan = Plan(
        configs=tuple(accuracies),
        seeds=tuple(range(seeds)),
        left_out=tuple(left_out),
        configuration={
            "build": "script.build 0123abcd",
            "code": "0.1.0 89abcdef",
            "data": "0123456789abcdef",
            "recipe": {"epochs": epochs, "batch_size": 100, "lr": 0.001, "optimizer": "adam"}
            | {"loss": "qnn_core.ops.loss.softmax_cross_entropy"},
        },
        schemes={"symmetric": "qnn-quantizers 0.1.0 fedcba98"},
    )
    return Comparison(plan, results, (RUN,))


FLOAT = Config()
SPREAD = (0.0, 0.002, -0.001, 0.001, -0.002)


def around(mean: float, seeds: int = 5, shift: int = 0) -> list[float]:
    return [mean + SPREAD[(seed + shift) % 5] for seed in range(seeds)]


def both(spec: str) -> Config:
    return Config(weight=spec, input=spec)


@cache
def typical() -> Comparison:
    """Return what a study mostly is: float, better and worse configs, one left out, one failed."""
    worse = {"binary:1": 0.93, "symmetric:2": 0.955, "symmetric:4": 0.968, "symmetric:8": 0.97}
    configs = {both(name): around(mean, shift=n) for n, (name, mean) in enumerate(worse.items())}
    configs |= {both("uniform:2"): [*around(0.95, 3), NASTY, NASTY]}
    left_out = [
        LeftOut(f"binary:{bits}", f"there is one bit, got bits={bits}") for bits in (2, 4, 8)
    ]
    return study(
        {FLOAT: around(0.97)} | configs, left_out=[*left_out, LeftOut("symmetric:1", NASTY)]
    )


@cache
def one_seed() -> Comparison:
    return study({FLOAT: [0.97], both("symmetric:2"): [0.975], both("symmetric:4"): [0.972]})


@cache
def two_configs() -> Comparison:
    return study({FLOAT: around(0.97, 2), both("binary:1"): around(0.93, 2, 1)}, epochs=1)


@cache
def one_config() -> Comparison:
    return study({both("symmetric:2"): around(0.97, 3)})


@cache
def at_chance() -> Comparison:
    """Return a study with configs that learn nothing, some at the same width."""
    configs = {both(f"symmetric:{b}"): around(0.93 + b / 200, shift=b) for b in (2, 3, 4, 8)}
    configs |= {both(f"logarithmic:{b}"): around(0.92 + b / 200, shift=b) for b in (3, 4, 8)}
    configs |= {both(name): around(0.11) for name in ("logarithmic:2", "uniform:1")}
    configs |= {both("binary:1"): around(0.13), both("uniform:2"): around(0.945)}
    return study({FLOAT: around(0.97)} | configs)


@cache
def mostly_chance() -> Comparison:
    configs = {both(f"symmetric:{b}"): around(0.1 + b / 1000, shift=b) for b in (1, 2, 3, 4)}
    return study({FLOAT: around(0.97)} | configs)


@cache
def long_names() -> Comparison:
    options = "grid=even,fit=percentile,percentile=99.9,ste=triangle,axis=0"
    names = {f"symmetric:2,{options}": 0.95, f"symmetric:4,{options}": 0.96}
    names |= {"logarithmic:3,signed=False,fit=mse": 0.94}
    configs = {both(name): around(mean) for name, mean in names.items()}
    mixed = Config(
        weight=f"symmetric:2,{options}", input="uniform:8,fit=percentile,percentile=99.9"
    )
    return study({FLOAT: around(0.97)} | configs | {mixed: around(0.965, shift=1)})


@cache
def many() -> Comparison:
    """Return a grid of weights and inputs, 37 configs."""
    rng = np.random.default_rng(0)
    configs = {FLOAT: around(0.97)}
    for w in ("binary", "symmetric", "logarithmic"):
        for a in ("uniform", "symmetric"):
            for bits in (1, 2, 3, 4, 6, 8):
                config = Config(weight=f"{w}:{bits}", input=f"{a}:{bits}")
                mean = 0.97 - 0.04 / bits + rng.normal(0, 0.003)
                configs[config] = around(mean, shift=bits)
    return study(configs)


@cache
def mixed_widths() -> Comparison:
    widths = [(1, 1), (1, 2), (1, 4), (1, 8), (2, 2), (2, 4), (2, 8), (4, 4), (4, 8), (8, 8)]
    configs = {
        Config(weight=f"symmetric:{w}", input=f"uniform:{a}"): around(
            0.97 - 0.03 / (w * a), shift=a
        )
        for w, a in widths
    }
    only_weights = {Config(weight="symmetric:2"): around(0.968)}
    return study({FLOAT: around(0.97)} | configs | only_weights)


@cache
def incomplete() -> Comparison:
    return study(
        {
            FLOAT: [*around(0.97, 2), None, None],
            both("symmetric:2"): [*around(0.95, 2, 1), None, None],
            both("symmetric:4"): [0.96, "the loss is nan in epoch 2", None, None],
            both("symmetric:8"): [None, None, None, None],
        }
    )


@cache
def suspicious() -> Comparison:
    """Return a study whose float config is under-trained."""
    return study({FLOAT: around(0.934), both("symmetric:4"): around(0.956, shift=2)})


@cache
def unpacked() -> Comparison:
    """Return a study of layers that quantize in their own way: only float can be packed."""
    made = two_configs()
    results = {
        run: result
        if result.config == "float"
        else replace(result, unpacked=f"linear: {NASTY}", nbytes=0, latency={})
        for run, result in made.results.items()
    }
    return Comparison(made.plan, results, made.sessions)


@cache
def none_packed() -> Comparison:
    """Return a study of which nothing can be packed."""
    made = no_float()
    results = {
        run: replace(result, unpacked="a step of its own", nbytes=0, latency={})
        for run, result in made.results.items()
    }
    return Comparison(made.plan, results, made.sessions)


@cache
def no_float() -> Comparison:
    return study({both(f"symmetric:{b}"): around(0.93 + b / 200, shift=b) for b in (2, 4, 8)})


@cache
def nothing_done() -> Comparison:
    return study({FLOAT: [None, None], both("symmetric:2"): ["loss is inf", None]})


@cache
def float_teacher() -> Comparison:
    """Return a study with two float nets, one of another name."""
    teacher = Config("teacher", kind="teacher")
    return study(
        {FLOAT: around(0.96), teacher: around(0.98, shift=1), both("symmetric:2"): around(0.955)}
    )


STUDIES = {
    make.__name__: make
    for make in (
        typical, one_seed, two_configs, one_config, at_chance, mostly_chance, long_names, many,
        mixed_widths, incomplete, suspicious, no_float, unpacked, none_packed, float_teacher,
    )
}  # fmt: skip # one line for each would hide that it is a list
