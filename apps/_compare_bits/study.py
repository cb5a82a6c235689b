"""A study: its arms, and the results so far."""

from dataclasses import dataclass, field
from statistics import fmean, stdev

from .cell import Cell, Result
from .options import Options
from .plan import FLOAT, Arm, plan_arms


@dataclass(frozen=True)
class Summary:
    """What an arm came to.

    Attributes:
        n: number of seeds that were trained to the end.
        mean, sd: of the test accuracy over these seeds, 0 to 1; sd (with n - 1) needs two.
        nbytes: bytes of the parameters when deployed.
        seconds: mean wall time of a run.
    """

    n: int
    mean: float | None = None
    sd: float | None = None
    nbytes: int | None = None
    seconds: float | None = None


@dataclass
class Study:
    """Arms and results.

    Attributes:
        options: the command line.
        arms: every combination, those without a meaning included.
        results: by scheme, bits and seed.
    """

    options: Options
    arms: list[Arm]
    results: dict[tuple[str, int, int], Result] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Options) -> "Study":
        """Return the study that the options describe."""
        return cls(options, plan_arms(options.schemes, options.bits))

    def cells(self) -> list[Cell]:
        """Return what is to be trained, seed by seed: a study that is stopped has whole rounds."""
        arms = [arm for arm in self.arms if arm.status == "trains"]
        settings = self.options.settings
        return [Cell(a.scheme, a.bits, s, settings) for s in self.options.seeds for a in arms]

    def add(self, result: Result) -> None:
        """Enter a result."""
        self.results[result.scheme, result.bits, result.seed] = result

    @property
    def complete(self) -> bool:
        """Whether every cell has a result."""
        return len(self.results) == len(self.cells())

    def of_arm(self, arm: Arm) -> list[Result]:
        """Return an arm's results in the order of the seeds, failed ones included."""
        found = (self.results.get((arm.scheme, arm.bits, seed)) for seed in self.options.seeds)
        return [result for result in found if result is not None]

    def done(self, arm: Arm) -> list[Result]:
        """Return an arm's results that were trained to the end."""
        return [result for result in self.of_arm(arm) if result.status == "done"]

    def summary(self, arm: Arm) -> Summary:
        """Return mean and spread over the seeds."""
        done = self.done(arm)
        values = [result.accuracy for result in done if result.accuracy is not None]
        if not values:
            return Summary(n=0)
        return Summary(
            n=len(values),
            mean=fmean(values),
            sd=stdev(values) if len(values) > 1 else None,
            nbytes=done[0].nbytes,
            seconds=fmean(result.seconds for result in done),
        )

    def reason(self, arm: Arm) -> str:
        """Return why an arm, or a seed of it, has no result; ``""`` if nothing went wrong."""
        failed = [r for r in self.of_arm(arm) if r.status == "failed"]
        if not failed:
            return arm.reason
        seeds = ", ".join(str(r.seed) for r in failed)
        return f"seed{'s'[: len(failed) - 1]} {seeds} failed: {failed[0].reason}"

    @property
    def float_arm(self) -> Arm | None:
        """The arm without quantizers, if the study has one."""
        return next((arm for arm in self.arms if arm.bits == FLOAT), None)

    def arms_of(self, scheme: str) -> list[Arm]:
        """Return a scheme's arms by bits; the float arm, which all schemes share, is the last."""
        shared = [] if self.float_arm is None else [self.float_arm]
        return [arm for arm in self.arms if arm.scheme == scheme] + shared

    def title(self) -> str:
        """Return data set, net and seeds on one line."""
        s = self.options.settings
        widths = "-".join(str(width) for width in ("784", *s.hidden, "10"))
        net = widths if s.model == "mlp" else s.model
        seeds = len(self.options.seeds)
        epochs = f"{s.epochs} epoch{'s' if s.epochs > 1 else ''}"
        mark = "" if self.complete else ", INCOMPLETE"
        mark += ", quick trial: the numbers mean nothing" if self.options.quick else ""
        return (
            f"{s.dataset}, {net} ({s.activation}), {epochs}, {seeds} seed{'s'[: seeds - 1]}{mark}"
        )
