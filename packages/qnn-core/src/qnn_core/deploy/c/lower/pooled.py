"""A maximum behind a product taken of its sums, before they become codes: fewer decisions."""

from collections.abc import Sequence
from dataclasses import replace

from ..plan import MaxPool, Output, Product, Step


def with_pooling(steps: Sequence[Step], outputs: Sequence[Output]) -> list[Step]:
    """Return the steps with each maximum that only a product feeds as part of that product.

    The maximum of codes is the code of the greatest (turned) sum. Windows must not overlap, or
    sums would be computed twice; and the result before pooling need not be kept.
    """
    readers: dict[str, int] = {}
    for step in steps:
        for source in step.sources:
            readers[source.place] = readers.get(source.place, 0) + 1
    for output in outputs:
        readers[output.value.place] = readers.get(output.value.place, 0) + 1
    made: list[Step] = []
    for step in steps:
        maker = _maker(made, step) if isinstance(step, MaxPool) else None
        if maker is not None and isinstance(step, MaxPool) and _fits(maker, step, readers):
            made[made.index(maker)] = replace(maker, pool=step.window, target=step.target)
        else:
            made.append(step)
    return made


def _maker(made: Sequence[Step], step: Step) -> Product | None:
    place = step.sources[0].place
    found = next((m for m in made if m.target.place == place), None)
    return found if isinstance(found, Product) else None


def _fits(product: Product, pool: MaxPool, readers: dict[str, int]) -> bool:
    window = pool.window
    apart = all(s >= k for s, k in zip(window.stride, window.kernel, strict=True))
    alone = readers[product.target.place] == 1 and product.pool is None
    sums = product.decision is None
    image = (*product.output, product.n) == pool.sources[0].shape
    return alone and apart and not sums and not any(window.padding) and image
