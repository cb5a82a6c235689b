"""Runs in an order in which what a net begins with is trained before it."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace

from qnn_core.errors import CompareError

from .executors import Task
from .plan import Plan
from .result import PASSING, Failure, Result, failed
from .store import Store
from .warm_starts import Trained, needed, waves

Ended = Generator[tuple[Task, Result] | None, None, None]


def tasks_of(store: Store, plan: Plan) -> list[Task]:
    """Return the runs of a plan, seed by seed."""
    names = needed(plan.configs)
    first = plan.seeds[0] if store.keeps_packed else None
    return [
        Task(
            config,
            seed,
            plan.key(config, seed),
            store.running,
            kept=config.name in names,
            packed=seed == first,
        )
        for config, seed in plan.runs()
    ]


def kept_of(store: Store, tasks: list[Task]) -> dict[Task, Result]:
    """Return what the store has of these runs already."""
    read = {task: store.read(task.key, task.config.name, task.seed) for task in tasks}
    # What lacked something may have it now; what diverged or raised an error would do so again.
    kept = {
        task: result
        for task, result in read.items()
        if result is not None
        and (result.done or (result.failure not in PASSING and not store.mend))
    }
    # What another one begins with is trained again if its parameters were not kept.
    known = {(task.config.name, task.seed): task for task in tasks}
    waiting = [task for task in tasks if task not in kept]
    while waiting:
        task = waiting.pop()
        for name in task.config.needs:
            source = known[name, task.seed]
            if source in kept and kept[source].done and not store.has_state(source.key):
                del kept[source]
                waiting.append(source)
    return kept


def in_turn(
    run: Callable[[list[Task]], Ended],
    tasks: list[Task],
    results: Mapping[Task, Result],
    plan: Plan,
    store: Store,
) -> Ended:
    """Yield what has ended; a net is trained when those that it begins with are.

    Args:
        run: yields tasks and results as they come.
        tasks: what is to be run.
        results: of what was run before, and of what is yielded here, as it is written.
        plan: of all.
        store: that has the parameters of what was trained.
    """
    known = {(task.config.name, task.seed): task for task in tasks_of(store, plan)}
    for wave in waves(plan.configs):
        names = {config.name for config in wave}
        ready: list[Task] = []
        for task in (task for task in tasks if task.config.name in names):
            sources = [known[name, task.seed] for name in task.config.needs]
            lost = [source for source in sources if not results[source].done]
            if lost:
                yield task, _without(task, results[lost[0]])
                continue
            trained = {}
            for source in sources:
                if (state := store.state(source.key)) is None:
                    raise CompareError(
                        f"compare: the parameters of {source.config.name}, seed {source.seed}, in "
                        f"store {store.folder} are damaged: delete its folder states, and they are "
                        "made again"
                    )
                trained[source.config.name] = Trained(source.config, state)
            ready.append(replace(task, trained=trained))
        yield from run(ready)


def _without(task: Task, source: Result) -> Result:
    """Return the result of a run whose net has nothing to begin with."""
    assert source.failure is not None
    # It is tried again where the other one is.
    kind: Failure = "environment" if source.failure in PASSING else "raised"
    reason = f"{source.config}, which it begins with or learns from, failed: {source.reason}"
    return failed(task.config.name, task.seed, kind, reason)
