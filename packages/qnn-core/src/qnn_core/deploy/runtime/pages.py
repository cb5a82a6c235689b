"""`page`: packed nets side by side in one page that needs no server."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import SpecError
from ..browser import InputKind, Packed, Page, Task, write_page
from ..pixels import Transform
from .model import PackedModel, load

Net = PackedModel | str | Path


def page(
    nets: Mapping[str, Net] | Iterable[Net] | Net,
    path: str | Path,
    *,
    input: InputKind | None = None,
    transform: Transform = None,
    samples: Any = None,
    classes: Sequence[str] | None = None,
    task: Task | None = None,
    title: str | None = None,
) -> Page:
    """Write packed nets as one page: draw a digit, or give numbers, and see what each of them says.

    The page needs no server and no network. Its arithmetic is plain JavaScript with the bits of
    Python's engine; when it is opened it tries itself on inputs that Python has answered, and says
    how many answers are the same.

    Args:
        nets: by the names that stand above their answers; or packed models and files, which are
            called by their files' names. They take inputs of one size.
        path: of the page, which ends in ``.html``.
        input: ``"drawing"``, ``"signal"`` or ``"numbers"``; None for what the shapes say: images of
            one channel and rows of 784 numbers are drawings, ``[length, channels]`` are signals.
        transform: what was done to inputs before training: ``(mean, std)`` for
            ``(x - mean) * (1 / std)``, of pixels divided by 255; or, of drawings, a function of
            uint8 arrays. None is MNIST's usual normalization for drawings, and nothing for numbers.
        samples: inputs to choose from, ``[n, ...]``: uint8 pixels for drawings, else numbers.
        classes: names of the answers; None for their numbers.
        task: what the outputs are, as in `PackedModel.predict`; None for classes where there are
            several numbers, else a number.
        title: of the page.

    Returns:
        what was written; ``print`` tells it.

    Raises:
        DtypeError: if samples of drawings are no pixels.
        ExportError: if an operation has no form in JavaScript with the same bits; the message names
            net and operation, and what to do.
        FileError: if a file is no packed model.
        OSError: if a file cannot be read, or the page not be written.
        ShapeError: if the nets, or the samples, do not fit each other.
        SpecError: for another input, task, transform or suffix, or two nets of one name.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> def packed(bits):
        ...     how = {"weight": f"symmetric:{bits}", "input": "symmetric:2,scale=1"}
        ...     return qnn.pack(qnn.MLP([4, 8, 3], **how, seed=0), np.zeros((1, 4)))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = page({"4 bits": packed(4), "8 bits": packed(8)}, Path(folder, "nets.html"))
        >>> made.nets
        ('4 bits', '8 bits')
    """
    given = [Packed(name, net.graph, net.nbytes) for name, net in _named(nets)]
    return write_page(
        given,
        path,
        input=input,
        transform=transform,
        samples=samples,
        classes=classes,
        task=task,
        title=title,
    )


def _named(nets: Mapping[str, Net] | Iterable[Net] | Net) -> list[tuple[str, PackedModel]]:
    if isinstance(nets, Mapping):
        named = [(str(name), _loaded(net)) for name, net in nets.items()]
    else:
        one = isinstance(nets, PackedModel | str | Path)
        several: list[Any] = [nets] if one or not isinstance(nets, Iterable) else [*nets]
        loaded = [_loaded(net) for net in several]
        called = [_name(net, n, len(several)) for n, net in enumerate(several, 1)]
        named = [*zip(called, loaded, strict=True)]
    names = [name for name, _ in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError(
            f"page: several nets are called {', '.join(twice)}: give names, {{'name': net}}"
        )
    return named


def _name(net: Net, number: int, count: int) -> str:
    if isinstance(net, PackedModel):
        return "the net" if count == 1 else f"net {number}"
    return Path(net).stem


def _loaded(net: Any) -> PackedModel:
    if isinstance(net, str | Path):
        return load(net)
    if not isinstance(net, PackedModel):
        raise SpecError(
            f"page: packed models, or files of them, are needed, got {type(net).__name__}; "
            "qnn.pack(model, example) makes one"
        )
    return net
