"""Beside a report, a page in which the packed nets of a comparison answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qnn_core.deploy import PackedModel, load, page
from qnn_core.deploy.browser import why_not
from qnn_core.errors import QnnError, SpecError

from ...experiment.configs import one_line

if TYPE_CHECKING:
    from ...comparison import Comparison


class LiveNets(NamedTuple):
    """The page that a report links to.

    Attributes:
        file: its name, beside the report; ``""`` if there is none.
        seed: of its nets.
        without: why nets are not in it, by names of configs, or of all of them.
    """

    file: str
    seed: int
    without: Mapping[str, str]


def write_live(
    comparison: "Comparison", report: Path, options: Mapping[str, Any] | None
) -> LiveNets | None:
    """Write the page beside a report; return None where no packed nets were kept.

    Args:
        comparison: with the files of its packed nets.
        report: the file that will link to it.
        options: arguments of `qnn_core.page`; None for none, and then it may be that there is none.

    Raises:
        OSError: if it cannot be written.
        QnnError: if options that were given do not fit.
    """
    if not comparison.packed:
        if options is not None:
            raise SpecError(
                "report: live= is for packed nets that were kept: compare(..., keep_packed=True)"
            )
        return None
    seed = comparison.seeds[0]
    nets, without = _loaded(comparison)
    path = report.with_name(f"{report.stem}-live.html")
    try:
        page(nets, path, **{"title": "The nets of the comparison, live"} | dict(options or {}))
    except QnnError as error:
        if options is not None:
            raise
        return LiveNets("", seed, {**without, "all": one_line(str(error))})
    return LiveNets(path.name, seed, without)


def _loaded(comparison: "Comparison") -> tuple[dict[str, PackedModel], dict[str, str]]:
    """Return the nets that a page can have, and why it cannot have the others."""
    nets, without = {}, {}
    for config in comparison.configs:
        if config.name not in comparison.packed:
            continue
        try:
            net = load(comparison.packed[config.name])
        except (QnnError, OSError) as error:
            without[config.name] = one_line(str(error))
            continue
        if reason := why_not(net.graph):
            without[config.name] = one_line(reason)
        else:
            nets[config.name] = net
    return nets, without
