"""A comparison: what was measured, and what can be said of it."""

from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from qnn_core.errors import CompareError, SpecError

from .experiment.configs import FLOAT, Arm
from .experiment.plan import Plan
from .experiment.result import Result
from .experiment.store import Store
from .report import table
from .statistics import (
    Estimate,
    Pair,
    StatisticsError,
    Verdict,
    estimate,
    pairs,
    resolution,
    verdict_matrix,
)
from .statistics.weak_baseline import Run, Suspicion, suspicion, untold

Cells = Mapping[tuple[str, int], Result]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Arms, seeds, results, and what follows from them; ``print`` shows a table.

    Made by `qnn.compare`, or by `load` from the folder where that keeps a study.

    Attributes:
        plan: arms, seeds, combinations without a meaning, and what all cells share.
        results: by name of the arm and seed; those that are missing are still to be run.
        runs: when, by which command and on what machine cells were run.
        unsealed: how many results an older version kept, without checksums.
    """

    plan: Plan
    results: Cells
    runs: tuple[Mapping[str, Any], ...] = ()
    unsealed: int = 0

    @classmethod
    def load(cls, folder: str | Path) -> "Comparison":
        """Return the comparison that a folder holds, complete or not.

        Raises:
            CompareError: if it holds none, or a file is damaged.
        """
        store = Store(folder)
        plan, results = store.plan(), dict(store.results())
        return cls(plan, results, tuple(store.runs()), store.unsealed)

    def merge(self, *others: "Comparison") -> "Comparison":
        """Return the comparison of what was done here and elsewhere: more seeds, or more arms.

        Raises:
            CompareError: if they do not match: other data, code or recipe, or other numbers for the
                same cell.
        """
        plan, results, runs = self.plan, {**self.results}, [*self.runs]
        for other in others:
            plan = plan.joined(other.plan)
            for cell, result in other.results.items():
                _check_equal(cell, results.get(cell), result)
                # One that failed here may have been done there.
                if cell not in results or result.done:
                    results[cell] = result
            runs += [run for run in other.runs if run not in runs]
        return Comparison(plan, results, tuple(runs))

    def save(self, folder: str | Path) -> None:
        """Keep it in a folder, which `load` reads and `qnn.compare` goes on with.

        What the folder holds of the same study stays.

        Raises:
            CompareError: if the folder holds anything else, or other numbers for the same cell, or
                cannot be written to.
        """
        store = Store(folder)
        store.check(self.plan)
        with store.locked():
            store.begin(self.plan)
            for arm, seed in self.plan.cells():
                key, result = self.plan.key(arm, seed), self.results.get((arm.name, seed))
                kept = store.read(key, arm.name, seed)
                if result is not None:
                    _check_equal((arm.name, seed), kept, result)
                    if kept is None or (result.done and not kept.done):
                        store.write(key, result)
            for run in self.runs:
                store.end(run)

    # What was measured

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What is compared, float first."""
        return self.plan.arms

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of each arm."""
        return self.plan.seeds

    @property
    def complete(self) -> bool:
        """Whether every cell has a result."""
        return len(self.results) == len(self.arms) * len(self.seeds)

    @property
    def float_arm(self) -> Arm | None:
        """The arm without quantizers, if there is one."""
        return next((arm for arm in self.arms if arm.is_float), None)

    def arm(self, name: str) -> Arm:
        """Return the arm of that name.

        Raises:
            CompareError: if there is none.
        """
        found = next((arm for arm in self.arms if arm.name == name), None)
        if found is None:
            known = ", ".join(arm.name for arm in self.arms)
            raise CompareError(f"there is no arm {name!r}; there are {known}")
        return found

    def of(self, arm: Arm | str) -> list[Result]:
        """Return the results of an arm, or of that name, by seed, failed ones included."""
        name = self.arm(arm).name if isinstance(arm, str) else arm.name
        found = (self.results.get((name, seed)) for seed in self.seeds)
        return [result for result in found if result is not None]

    def done(self, arm: Arm | str) -> list[Result]:
        """Return the results of an arm that were trained to the end."""
        return [result for result in self.of(arm) if result.done]

    @property
    def failures(self) -> list[Result]:
        """The results of cells that failed."""
        return [result for arm in self.arms for result in self.of(arm) if not result.done]

    @property
    def images(self) -> int:
        """How many test samples there are; 0 before the first result."""
        return max((len(result.correct) for result in self.results.values()), default=0)

    # What it costs

    def accuracy(self, arm: Arm | str, confidence: float = 0.95) -> Estimate | None:
        """Return mean, spread and interval of the test accuracy over seeds, 0..1; None without.

        Raises:
            SpecError: if confidence is not between 0 and 1.
        """
        values = [result.accuracy for result in self.done(arm)]
        with _spec_errors():
            return estimate(values, confidence, step=1 / self.images) if values else None

    def nbytes(self, arm: Arm | str) -> int | None:
        """Return the mean size of the packed file, None without; seeds differ by a few bytes."""
        sizes = [result.nbytes for result in self.done(arm) if not result.unpacked]
        return round(fmean(sizes)) if sizes else None

    def macs(self, arm: Arm | str) -> Counter[str]:
        """Return the multiply-accumulates for one sample, by "weight bits x input bits"."""
        done = self.done(arm)
        return Counter(done[0].macs) if done else Counter()

    def latency(self, arm: Arm | str, batch: int) -> float | None:
        """Return the least time of the packed model for a batch, over seeds, in seconds."""
        times = [r.latency[str(batch)] for r in self.done(arm) if str(batch) in r.latency]
        return min(times, default=None)

    def train_seconds(self, arm: Arm | str) -> float | None:
        """Return the mean time of training, in seconds."""
        times = [result.train_seconds for result in self.done(arm)]
        return fmean(times) if times else None

    def partial(self, arm: Arm | str) -> bool:
        """Whether an arm lacks seeds that others have, so that its mean is one over other seeds."""
        seeds = {result.seed for result in self.done(arm)}
        return any(result.done and result.seed not in seeds for result in self.results.values())

    @cached_property
    def pareto(self) -> tuple[Arm, ...]:
        """The arms that no other one beats in both mean accuracy and bytes, by bytes.

        Two arms are compared over the seeds that both have; where they have none in common,
        neither beats the other.
        """
        known = [arm for arm in self.arms if self.done(arm) and self.nbytes(arm)]
        front = [
            arm
            for place, arm in enumerate(known)
            if not any(
                self._beats(other, arm, or_equal=earlier < place)
                for earlier, other in enumerate(known)
                if other is not arm
            )
        ]
        return tuple(sorted(front, key=lambda arm: self.nbytes(arm) or 0))

    def _beats(self, one: Arm, other: Arm, *, or_equal: bool) -> bool:
        """Whether an arm is nowhere worse than another, and better somewhere unless `or_equal`."""
        both = self.common(one, other)
        if not both:
            return False
        more, less = self._costs(one, both), self._costs(other, both)
        if any(mine > theirs for mine, theirs in zip(more, less, strict=True)):
            return False
        return or_equal or more != less

    def _costs(self, arm: Arm, seeds: Collection[int]) -> tuple[float, int]:
        """Return how many images are wrong, and the bytes of the packed file, over some seeds."""
        done = [result for result in self.done(arm) if result.seed in seeds]
        wrong = fmean(1 - result.accuracy for result in done)
        sizes = [result.nbytes for result in done if not result.unpacked]
        return wrong, round(fmean(sizes)) if sizes else self.nbytes(arm) or 0

    def common(self, *arms: Arm) -> list[int]:
        """Return the seeds that all these arms have results of."""
        done = [{result.seed for result in self.done(arm)} for arm in arms]
        return [seed for seed in self.seeds if all(seed in seeds for seeds in done)]

    def mean(self, arm: Arm, seeds: Collection[int]) -> float:
        """Return the mean accuracy of an arm over some of the seeds that it has, 0..1."""
        return fmean(result.accuracy for result in self.done(arm) if result.seed in seeds)

    # What can be said

    @cached_property
    def pairs(self) -> list[Pair]:
        """Every pair of arms that have results: difference, interval, tests and verdict."""
        return self._pairs()

    def against(self, name: str = FLOAT) -> list[Pair]:
        """Return the pairs of one arm with each other one, as a family of its own.

        Holm's correction is then for fewer tests than in `pairs`, so smaller differences are found.
        That is fair if it was settled before anything was seen.

        Raises:
            SpecError: if no such arm has results.
        """
        return self._pairs(name)

    def _pairs(self, against: str | None = None) -> list[Pair]:
        done = {arm.name: {r.seed: r for r in self.done(arm)} for arm in self.arms}
        done = {name: by_seed for name, by_seed in done.items() if by_seed}
        accuracies = {n: {s: r.accuracy for s, r in runs.items()} for n, runs in done.items()}
        correct = {n: {s: r.correct for s, r in runs.items()} for n, runs in done.items()}
        with _spec_errors():
            return pairs(accuracies, correct, against=against)

    @cached_property
    def verdicts(self) -> dict[tuple[str, str], Verdict]:
        """The verdict of each arm against each other one, in both orders."""
        return verdict_matrix(self.pairs)

    @property
    def resolution(self) -> float | None:
        """The smallest difference of accuracy that this study could have found, 0..1."""
        return resolution(self.pairs)

    @cached_property
    def suspicions(self) -> list[Suspicion]:
        """Quantized arms that beat the float baseline beyond its interval, and what that says."""
        baseline, quantized = self._runs()
        return suspicion(baseline, quantized, images=self.images) if baseline else []

    @property
    def untold(self) -> str:
        """Which arms are ahead of float where one seed cannot tell why; ``""`` if none."""
        return untold(*self._runs())

    def _runs(self) -> tuple[dict[int, Run], dict[str, dict[int, Run]]]:
        """Return the runs of float and of the others, by seed."""
        runs = {arm.name: {r.seed: _run(r) for r in self.done(arm)} for arm in self.arms}
        baseline = {} if self.float_arm is None else runs.pop(self.float_arm.name)
        return baseline, {name: by_seed for name, by_seed in runs.items() if by_seed}

    # How to show it

    def table(self, style: str = "text") -> str:
        """Return a row for each arm, with notes on what is left out, failed or missing.

        Accuracy, its difference to float and the verdict, and what it costs. Text, Markdown and
        LaTeX leave out columns where a line would be too long, and say which.

        Args:
            style: ``"text"``, ``"markdown"``, ``"latex"`` (with the package booktabs), ``"html"``,
                or ``"csv"``: every number in full, shares 0..1, times in seconds, no notes.

        Raises:
            SpecError: for another style.
        """
        return table.arms_table(self, style)

    def plot(self, folder: str | Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
        """Write the figures into a folder, which is made if need be, and return their paths.

        Accuracy over bits, accuracy over bytes with the Pareto front, and training curves; each in
        every format.

        Args:
            folder: where to.
            formats: suffixes that matplotlib knows, such as ``"png"``, ``"svg"``, ``"pdf"``.

        Raises:
            SpecError: for another format.
            CompareError: if no cell was trained to its end, or the folder cannot be written to.
        """
        from .report import figures  # noqa: PLC0415 - Matplotlib takes a second

        return figures.write(self, Path(folder), formats)

    def report(self, path: str | Path) -> Path:
        """Write a report and return its path.

        Args:
            path: ``.html`` for one page that needs nothing else, with a table that sorts, figures,
                verdicts, and how to reproduce it; ``.md`` for Markdown, with the figures as PNG
                files beside it.

        Raises:
            SpecError: for another suffix.
            CompareError: if no cell was trained to its end, or it cannot be written.
        """
        from .report import page  # noqa: PLC0415 - Matplotlib takes a second

        return page.write(self, Path(path))

    def __str__(self) -> str:
        return table.whole_text(self)

    def __repr__(self) -> str:
        cells = len(self.arms) * len(self.seeds)
        done = f"{len(self.results)} of {cells} cells"
        return f"<Comparison: {len(self.arms)} arms, {len(self.seeds)} seeds, {done}>"

    def _repr_html_(self) -> str:
        """Return the table and what it is good for, as notebooks show it."""
        return table.for_notebook(self)


@contextmanager
def _spec_errors() -> Generator[None]:
    """Raise as a SpecError what statistics refuse, which know no error of qnn-core."""
    try:
        yield
    except StatisticsError as error:
        raise SpecError(str(error)) from error


def _run(result: Result) -> Run:
    curves = {
        name: [epoch[name] for epoch in result.history]
        for name in ("loss", "accuracy", "test_accuracy")
    }
    return Run(result.accuracy, curves["loss"], curves["accuracy"], curves["test_accuracy"])


def _check_equal(cell: tuple[str, int], ours: Result | None, theirs: Result) -> None:
    if ours is None or not ours.done or not theirs.done:
        return
    one, other = ours.correct, theirs.correct
    if np.array_equal(one, other):
        return
    arm, seed = cell
    if len(one) != len(other):
        told = f"{len(one)} test samples in one and {len(other)} in the other"
    else:
        place = int(np.argmax(one != other))
        told = (
            f"{ours.accuracy:.2%} in one and {theirs.accuracy:.2%} in the other, and other answers "
            f"for {np.count_nonzero(one != other)} of {len(one)} test samples, the first of them "
            f"number {place}: they were trained by other kernels or on another processor"
        )
    raise CompareError(f"these do not match: {arm}, seed {seed}, has {told}")
