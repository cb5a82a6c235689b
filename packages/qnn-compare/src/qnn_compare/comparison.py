"""A comparison: what was measured, and what can be said of it."""

from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from qnn_core.errors import CompareError, SpecError

from .experiment.c_costs import COSTS
from .experiment.configs import Config
from .experiment.elsewhere import from_elsewhere, read_results
from .experiment.plan import Plan
from .experiment.question import Question
from .experiment.result import Result
from .experiment.store import Store
from .metric import ACCURACY, Metric, metric_of
from .report import frame, records, table
from .statistics import (
    Estimate,
    Pair,
    StatisticsError,
    Verdict,
    against,
    all_pairs,
    estimate,
    sequential,
)
from .statistics.looks import Looked
from .statistics.weak_baseline import Run, Suspicion, suspicion, untold

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Runs = Mapping[tuple[str, int], Result]
TITLE = "Comparison of low-bit nets"


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Configs, seeds, results, and what follows from them; ``print`` shows a table.

    Made by `qnn.compare`, or by `load` from the folder where that keeps a study.

    Attributes:
        plan: configs, seeds, combinations without a meaning, and what all runs share.
        results: by name of the config and seed; those that are missing are still to be made.
        sessions: when, by which command and on what machine runs were made.
        unsealed: how many results an older version kept, without checksums.
        metric: what configs are compared by.
        packed: files of packed nets, by name of the config, where they were kept: of the first
            seed.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> def runs(share):
        ...     return {seed: rng.random(10_000) < share for seed in range(3)}
        >>> found = Comparison.from_results({"float": runs(0.98), "1 bit": runs(0.95)})
        >>> [(pair.config, pair.verdict) for pair in found.against("float")]
        [('1 bit', 'worse')]
    """

    plan: Plan
    results: Runs
    sessions: tuple[Mapping[str, Any], ...] = ()
    unsealed: int = 0
    metric: Metric = ACCURACY
    packed: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: str | Path) -> "Comparison":
        """Return the comparison that a folder holds, complete or not.

        Raises:
            CompareError: if it holds none, or a file is damaged.
        """
        store = Store(folder)
        plan, results = store.plan(), dict(store.results())
        sessions = tuple(store.sessions())
        packed = store.packed(plan)
        return cls(plan, results, sessions, store.unsealed, metric=plan.metric, packed=packed)

    @classmethod
    def from_results(
        cls,
        results: Mapping[str, Mapping[int, Any]],
        reference: str | None = None,
        margin: float = 0.005,
        *,
        metric: str = "accuracy",
        higher_is_better: bool | None = None,
        shares: bool | None = None,
    ) -> "Comparison":
        """Return the comparison of nets that were trained elsewhere, by any framework.

        Args:
            results: ``{config: {seed: right}}``. `right` says of each test sample whether it was
                right, bool [samples], or scores it, float [samples], where the metric is the mean
                of the scores; or it is the metric itself, one number, from which less can be said.
                Seeds pair the configs: what configs of one seed share cancels in differences.
            reference: the config that others are compared with; left out: "float", else the first.
            margin: what is too small to matter, in the unit of the metric.
            metric: its name.
            higher_is_better: False for errors and losses; left out: as the name says, such as
                accuracy, R2, loss, RMSE.
            shares: whether it is a share from 0 to 1, said in per cent; left out: if it is an
                accuracy.

        Raises:
            SpecError: if the results have another form, or there is no such reference.
            CompareError: if the margin is none, or the metric's name does not say which direction
                is better.

        Example:
            >>> rng = np.random.default_rng(0)
            >>> def runs(share):
            ...     return {seed: rng.random(10_000) < share for seed in range(5)}
            >>> found = Comparison.from_results(
            ...     {"float": runs(0.98), "4 bits": runs(0.98), "1 bit": runs(0.95)}
            ... )
            >>> [(pair.config, pair.verdict) for pair in found.against()]
            [('4 bits', 'equivalent'), ('1 bit', 'worse')]
        """
        told = metric_of(metric, higher_is_better, shares)
        if isinstance(reference, int) and reference in results:
            reference = str(reference)
        question = Question(margin, reference)
        told.check_margin(margin)
        with _spec_errors():
            plan, found = from_elsewhere(results, told, question)
        return cls(plan, found, metric=told)

    @classmethod
    def read_csv(cls, path: str | Path, **options: Any) -> "Comparison":
        """Return the comparison of results in a CSV file: what ``qnn report results.csv`` reads.

        Args:
            path: of a file with the columns config, seed and the metric, a line for each run; or
                config, seed, sample and the metric, a line for each test sample. The name of the
                metric's column is that of the metric.
            options: those of `from_results`, but for the results; where there are more columns,
                `metric` says which one counts.

        Raises:
            CompareError: if it cannot be read, or is no such file; the message says where.
            SpecError: see `from_results`.
        """
        results, metric = read_results(Path(path), options.get("metric"))
        return cls.from_results(results, **{"metric": metric} | options)

    def merge(self, *others: "Comparison") -> "Comparison":
        """Return the comparison of what was done here and elsewhere: more seeds, or more configs.

        Raises:
            CompareError: if they do not match: other data, code or recipe, or other numbers for the
                same run.
        """
        plan, results, sessions = self.plan, {**self.results}, [*self.sessions]
        for other in others:
            if other.metric != self.metric:
                raise CompareError(
                    f"these do not match: one is compared by {self.metric.name}, and the other by "
                    f"{other.metric.name}"
                )
            plan = plan.joined(other.plan)
            for run, result in other.results.items():
                _check_equal(run, results.get(run), result)
                # One that failed here may have been done there.
                if run not in results or result.done:
                    results[run] = result
            sessions += [one for one in other.sessions if one not in sessions]
        if len(counts := {len(result.correct) for result in results.values() if result.done}) > 1:
            raise CompareError(
                f"these do not match: they have {' and '.join(map(str, sorted(counts)))} test "
                "samples"
            )
        plan = replace(plan, question=self.plan.question)
        packed = {name: path for one in (*others, self) for name, path in one.packed.items()}
        return Comparison(plan, results, tuple(sessions), metric=self.metric, packed=packed)

    def asking(self, reference: str | None = None, margin: float | None = None) -> "Comparison":
        """Return the same results with another reference or margin than they were run for.

        Raises:
            CompareError: if there is no such config, or the margin is none.
        """
        asked = self.plan.question
        asked = replace(
            asked,
            margin=asked.margin if margin is None else margin,
            reference=self.config(reference).name if reference else asked.reference,
        )
        self.metric.check_margin(asked.margin)
        return replace(self, plan=replace(self.plan, question=asked))

    def save(self, folder: str | Path) -> None:
        """Keep it in a folder, which `load` reads and `qnn.compare` goes on with.

        What the folder holds of the same study stays.

        Raises:
            CompareError: if the folder holds anything else, or other numbers for the same run, or
                cannot be written to.
        """
        if not self.plan.configuration:
            raise CompareError("what was trained elsewhere is kept where it was, not in a store")
        store = Store(folder)
        store.check(self.plan)
        with store.locked():
            store.begin(self.plan)
            for config, seed in self.plan.runs():
                key, result = self.plan.key(config, seed), self.results.get((config.name, seed))
                kept = store.read(key, config.name, seed)
                if result is not None:
                    _check_equal((config.name, seed), kept, result)
                    if kept is None or (result.done and not kept.done):
                        store.write(key, result)
            for session in self.sessions:
                store.end(session)

    # What was measured

    @property
    def configs(self) -> tuple[Config, ...]:
        """What is compared, float first."""
        return self.plan.configs

    @property
    def arms(self) -> tuple[Config, ...]:
        """A former name of `configs`."""
        return self.configs

    def arm(self, name: str) -> Config:
        """Return what `config` does, by its former name."""
        return self.config(name)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of each config."""
        return self.plan.seeds

    def planned(self, config: Config) -> tuple[int, ...]:
        """Return the seeds that a config is to have; until it is decided, with ``seeds="auto"``."""
        if self.looked is None:
            return self.seeds
        looks = self.plan.question.looks
        found = {pair.config: pair.n for pair in self.looked.pairs if pair.decided}
        most = max(self.looked.seeds, looks[0])
        return self.seeds[: found.get(config.name, most)]

    @property
    def complete(self) -> bool:
        """Whether every run that is to be made has a result."""
        return all(
            (config.name, seed) in self.results
            for config in self.configs
            for seed in self.planned(config)
        )

    @property
    def margin(self) -> float:
        """What is too small to matter, in the unit of the metric."""
        return self.plan.question.margin

    @property
    def reference(self) -> Config:
        """The config that others are compared with: the named one, else float, else the first."""
        name = self.plan.question.reference
        if name is not None:
            return self.config(name)
        return self.float_config or self.configs[0]

    @property
    def float_config(self) -> Config | None:
        """The config without quantizers, if there is one."""
        return next((config for config in self.configs if config.is_float), None)

    def config(self, name: str) -> Config:
        """Return the config of that name.

        Raises:
            CompareError: if there is none.
        """
        found = next((config for config in self.configs if config.name == name), None)
        if found is None:
            known = ", ".join(config.name for config in self.configs)
            raise CompareError(f"there is no config {name!r}; there are {known}")
        return found

    def of(self, config: Config | str) -> list[Result]:
        """Return the results of a config, or of that name, by seed, failed ones included."""
        name = self.config(config).name if isinstance(config, str) else config.name
        found = (self.results.get((name, seed)) for seed in self.seeds)
        return [result for result in found if result is not None]

    def done(self, config: Config | str) -> list[Result]:
        """Return the results of a config that were trained to the end."""
        return [result for result in self.of(config) if result.done]

    @property
    def failures(self) -> list[Result]:
        """The results of runs that failed."""
        return [result for config in self.configs for result in self.of(config) if not result.done]

    @property
    def images(self) -> int:
        """How many test samples there are; 0 before the first result."""
        return max((len(result.correct) for result in self.results.values()), default=0)

    # What it costs

    def accuracy(self, config: Config | str, confidence: float = 0.95) -> Estimate | None:
        """Return mean, spread and interval of the test accuracy over seeds, 0..1; None without.

        Raises:
            SpecError: if confidence is not between 0 and 1.
        """
        values = [result.accuracy for result in self.done(config)]
        answers = self.images and all(r.correct.dtype == bool for r in self.done(config))
        step = 1 / self.images if answers else 0.0
        with _spec_errors():
            return estimate(values, confidence, step=step) if values else None

    def nbytes(self, config: Config | str) -> int | None:
        """Return the mean size of the packed file, None without; seeds differ by a few bytes."""
        return self.cost(config)

    def cost(self, config: Config | str, of: str = "nbytes") -> int | None:
        """Return the mean over seeds of what a config costs; None where it is not known.

        Args:
            config: which.
            of: ``"nbytes"`` of the packed file; or, of a study with ``c=``, ``"c_flash"`` and
                ``"c_ram"``, bytes, or ``"c_cycles"`` of an inference as C.

        Raises:
            SpecError: for another cost.
        """
        return self._cost(self.done(config), of)

    def _cost(self, done: Sequence[Result], of: str) -> int | None:
        if of == "nbytes":
            known = [result.nbytes for result in done if not result.unpacked]
        elif of in COSTS:
            known = [result.c[of] for result in done if of in result.c]
        else:
            raise SpecError(f"a cost is nbytes, {', '.join(COSTS)}, got {of!r}")
        return round(fmean(known)) if known else None

    def macs(self, config: Config | str) -> Counter[str]:
        """Return the multiply-accumulates for one sample, by "weight bits x input bits"."""
        done = self.done(config)
        return Counter(done[0].macs) if done else Counter()

    def latency(self, config: Config | str, batch: int) -> float | None:
        """Return the least time of the packed model for a batch, over seeds, in seconds."""
        times = [r.latency[str(batch)] for r in self.done(config) if str(batch) in r.latency]
        return min(times, default=None)

    def train_seconds(self, config: Config | str) -> float | None:
        """Return the mean time of training, in seconds."""
        times = [result.train_seconds for result in self.done(config)]
        return fmean(times) if times else None

    def partial(self, config: Config | str) -> bool:
        """Whether a config lacks seeds that others have: its mean is one over other seeds."""
        seeds = {result.seed for result in self.done(config)}
        return any(result.done and result.seed not in seeds for result in self.results.values())

    @cached_property
    def pareto(self) -> tuple[Config, ...]:
        """The configs that no other one beats in both mean accuracy and bytes, by bytes.

        Two configs are compared over the seeds that both have; where they have none in common,
        neither beats the other.
        """
        return self.front("nbytes")

    def front(self, of: str) -> tuple[Config, ...]:
        """Return what `pareto` is, over another cost; see `cost`."""
        known = [config for config in self.configs if self.done(config) and self.cost(config, of)]
        front = [
            config
            for place, config in enumerate(known)
            if not any(
                self._beats(other, config, of, or_equal=earlier < place)
                for earlier, other in enumerate(known)
                if other is not config
            )
        ]
        return tuple(sorted(front, key=lambda config: self.cost(config, of) or 0))

    def _beats(self, one: Config, other: Config, of: str, *, or_equal: bool) -> bool:
        """Whether one is nowhere worse than another, and better somewhere unless `or_equal`."""
        both = self.common(one, other)
        if not both:
            return False
        more, less = self._costs(one, both, of), self._costs(other, both, of)
        if any(mine > theirs for mine, theirs in zip(more, less, strict=True)):
            return False
        return or_equal or more != less

    def _costs(self, config: Config, seeds: Collection[int], of: str) -> tuple[float, int]:
        """Return how bad it is, and what it costs, over some seeds."""
        done = [result for result in self.done(config) if result.seed in seeds]
        sign = -1 if self.metric.higher_is_better else 1
        wrong = fmean(sign * result.accuracy for result in done)
        found = self._cost(done, of)
        return wrong, (self.cost(config, of) or 0) if found is None else found

    def common(self, *configs: Config) -> list[int]:
        """Return the seeds that all these configs have results of."""
        done = [{result.seed for result in self.done(config)} for config in configs]
        return [seed for seed in self.seeds if all(seed in seeds for seeds in done)]

    def wanted(self, config: Config) -> float | None:
        """Return the accuracy that a config should reach, by its target, 0..1; None without.

        It may follow from that of the reference.
        """
        if config.target is None:
            return None
        wanted = [] if config.target.accuracy is None else [config.target.accuracy]
        if config.target.within is not None:
            reference = self.accuracy(self.reference)
            if reference is not None:
                wanted.append(reference.mean - config.target.within)
        return max(wanted, default=None)

    def reached(self, config: Config) -> bool | None:
        """Return whether a config has reached its target; None without one, or without results."""
        done = self.done(config)
        if config.target is None or not done:
            return None
        sizes = [result.nbytes for result in done if not result.unpacked]
        most = config.target.nbytes
        fits = most is None or (len(sizes) == len(done) and max(sizes) <= most)
        # Means of counts: what is equal in exact numbers must not fail by a rounding error.
        mean = fmean(result.accuracy for result in done)
        return fits and mean >= (self.wanted(config) or 0) - 1e-9

    def mean(self, config: Config, seeds: Collection[int]) -> float:
        """Return the mean accuracy of a config over some of the seeds that it has, 0..1."""
        return fmean(result.accuracy for result in self.done(config) if result.seed in seeds)

    # What can be said

    def scores(self) -> dict[str, dict[int, Any]]:
        """Return by config and seed which test samples were right; accuracies where none know."""
        done = {config.name: self.done(config) for config in self.configs}
        known = all(len(result.correct) for results in done.values() for result in results)
        return {
            name: {r.seed: r.correct if known else r.accuracy for r in results}
            for name, results in done.items()
            if results
        }

    def against(self, reference: str | None = None) -> list[Pair]:
        """Return the verdict of each config against one of them: which lost something?

        That is a family of its own: Holm's correction is for as many tests as there are other
        configs. So the reference should be settled before anything is seen.

        Args:
            reference: name of a config; left out: that of the study.

        Returns:
            An object for each other config that has results; see `qnn_compare.statistics.Pair`.

        Raises:
            SpecError: if no such config has results.
        """
        if reference is None or reference == self.reference.name:
            return self._against
        with _spec_errors():
            return against(self.scores(), reference, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        metric = self.metric
        shared = {"higher_is_better": metric.higher_is_better, "shares": metric.shares}
        return {"margin": self.margin, **shared}

    @cached_property
    def looked(self) -> Looked | None:
        """How far a study that runs until it is decided has come; None for any other."""
        looks = self.plan.question.looks
        if not looks or not self.done(self.reference):
            return None
        failed = [(result.config, result.seed) for result in self.failures]
        with _spec_errors():
            return sequential(
                self.scores(),
                self.reference.name,
                seeds=self.seeds,
                looks=looks,
                missing=failed,
                **self._options,
            )

    @cached_property
    def _against(self) -> list[Pair]:
        if not self.done(self.reference):
            return []
        if self.looked is not None:
            return self.looked.pairs
        with _spec_errors():
            return against(self.scores(), self.reference.name, **self._options)

    @cached_property
    def pairs(self) -> list[Pair]:
        """Every pair of configs that have results: a family of its own, of many more tests."""
        with _spec_errors():
            return all_pairs(self.scores(), **self._options)

    @cached_property
    def verdicts(self) -> dict[tuple[str, str], Verdict]:
        """The verdict of each config against each other one, in both orders, as in `pairs`."""
        both = [either for pair in self.pairs for either in (pair, pair.turned())]
        return {(pair.config, pair.reference): pair.verdict for pair in both}

    @cached_property
    def suspicions(self) -> list[Suspicion]:
        """Quantized configs that are better than the float baseline, and why."""
        baseline, quantized = self._runs()
        if not baseline or self.float_config is None or self.metric != ACCURACY:
            return []  # curves and advice are those of accuracies
        pairs = self.against(self.float_config.name)
        tuned: dict[str, bool] = {}
        if (tuning := self.plan.tuning) is not None:
            name = self.float_config.name
            tuned = {key: key in tuning.edges(name) for key in tuning.chosen(name)}
        return suspicion(pairs, baseline, quantized, tuned)

    @property
    def untold(self) -> str:
        """Which configs are ahead of float where one seed cannot tell why; ``""`` if none."""
        return untold(*self._runs()) if self.metric == ACCURACY else ""

    def _runs(self) -> tuple[dict[int, Run], dict[str, dict[int, Run]]]:
        """Return the runs of float and of the others, by seed."""
        runs = {
            config.name: {r.seed: _run(r) for r in self.done(config)} for config in self.configs
        }
        baseline = {} if self.float_config is None else runs.pop(self.float_config.name)
        return baseline, {name: by_seed for name, by_seed in runs.items() if by_seed}

    # How to show it

    def table(self, style: str = "text") -> str:
        """Return a row for each config, with notes on what is left out, failed or missing.

        Accuracy, its difference to the reference and the verdict, and what it costs. Text and
        Markdown leave out columns where a line would be too long, and say which.

        Args:
            style: ``"text"``, ``"markdown"``, ``"latex"`` (with the package booktabs; a
                table alone, as for a paper), ``"html"``, or ``"csv"``: every number in full,
                shares 0..1, times in seconds, no notes.

        Raises:
            SpecError: for another style.
        """
        return table.configs_table(self, style)

    def records(self, of: str = "configs") -> list[dict[str, object]]:
        """Return what it holds as plain dictionaries, such as trackers and frames take.

        Args:
            of: "configs", every number of the table in full; "runs", one for each config and seed;
                "epochs", the training curves; "pairs", the verdicts of any two configs.

        Raises:
            SpecError: for another word.
        """
        return records.records(self, of)

    def to_frame(self, backend: str | None = None, of: str = "configs") -> Any:
        """Return `records` as a data frame.

        Args:
            backend: "pandas" or "polars"; left out: the one that is installed.
            of: see `records`.

        Raises:
            CompareError: if none is installed.
            SpecError: for another backend, or other records.
        """
        return frame.to_frame(self, backend, of)

    @overload
    def plot(
        self, folder: None = None, *, of: str | None = None, ax: "Axes | None" = None
    ) -> "Figure": ...

    @overload
    def plot(self, folder: str | Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]: ...

    def plot(
        self,
        folder: str | Path | None = None,
        formats: Sequence[str] = ("png", "svg"),
        *,
        of: str | None = None,
        ax: "Axes | None" = None,
    ) -> "Figure | list[Path]":
        """Return a figure, or write all into a folder, which is made if need be.

        Differences to the reference, accuracy over bits, accuracy over bytes with the Pareto front,
        and training curves, as far as there is something to show; each in every format.

        Args:
            folder: where to; None for one figure, which a notebook shows.
            formats: suffixes that matplotlib knows, such as ``"png"``, ``"svg"``, ``"pdf"``.
            of: which figure: ``"differences"``, ``"accuracy-over-bits"``,
                ``"accuracy-over-bytes"``, ``"accuracy-over-cycles"`` or ``"training-curves"``; None
                for the first of these that shows something.
            ax: axes of matplotlib to draw that figure in, None for a figure of its own; the
                training curves have several panels, and take none.

        Returns:
            The figure, or the paths of what was written.

        Raises:
            SpecError: for another format or figure, or for `of` or `ax` beside a folder.
            CompareError: if no run was trained to its end, or the folder cannot be written to.
        """
        from .report import figures  # noqa: PLC0415 - Matplotlib takes a second

        if folder is None:
            return figures.figure_of(self, of, ax)
        if of is not None or ax is not None:
            raise SpecError("plot: a folder gets every figure: leave out of= and ax=")
        return figures.write(self, Path(folder), formats)

    def report(
        self,
        path: str | Path,
        *,
        title: str = TITLE,
        about: str = "",
        notes: str = "",
        live: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write a report and return its path.

        Where packed nets were kept (``compare(..., keep_packed=True)``), a page of HTML has another
        beside it, ``...-live.html``, in which they answer: see `qnn_core.page`.

        Args:
            path: ``.html`` for one page that needs nothing else, with a table that sorts, figures,
                verdicts, and how to reproduce it; ``.md`` for Markdown, with the figures as PNG
                files beside it.
            title: its heading; of a page of Markdown.
            about: Markdown that stands before the results, likewise.
            notes: Markdown that stands after them, likewise.
            live: arguments of `qnn_core.page` for that other page, such as ``{"transform": (0, 1),
                "samples": images}``; None for what it takes by default.

        Raises:
            SpecError: for another suffix, or `live` where no packed nets were kept.
            CompareError: if no run was trained to its end, or it cannot be written.
            QnnError: if `live` does not fit the nets; see `qnn_core.page`.
        """
        from .report import page  # noqa: PLC0415 - Matplotlib takes a second

        return page.write(self, Path(path), title=title, about=about, notes=notes, live=live)

    def __str__(self) -> str:
        return table.whole_text(self)

    def __repr__(self) -> str:
        runs = sum(len(self.planned(config)) for config in self.configs)
        done = f"{len(self.results)} of {runs} runs"
        return f"<Comparison: {len(self.configs)} configs, {len(self.seeds)} seeds, {done}>"

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
    if not np.isfinite(curves["test_accuracy"]).all():  # others were held back for choices
        curves["test_accuracy"] = []
    return Run(result.accuracy, curves["loss"], curves["accuracy"], curves["test_accuracy"])


def _check_equal(run: tuple[str, int], ours: Result | None, theirs: Result) -> None:
    if ours is None or not ours.done or not theirs.done:
        return
    one, other = ours.correct, theirs.correct
    if np.array_equal(one, other) and (len(one) or ours.accuracy == theirs.accuracy):
        return
    config, seed = run
    if not len(one) and not len(other):
        told = f"{ours.accuracy} in one and {theirs.accuracy} in the other"
    elif len(one) != len(other):
        told = f"{len(one)} test samples in one and {len(other)} in the other"
    else:
        place = int(np.argmax(one != other))
        told = (
            f"{ours.accuracy:.2%} in one and {theirs.accuracy:.2%} in the other, and other answers "
            f"for {np.count_nonzero(one != other)} of {len(one)} test samples, the first of them "
            f"number {place}: they were trained by other kernels or on another processor"
        )
    raise CompareError(f"these do not match: {config}, seed {seed}, has {told}")
