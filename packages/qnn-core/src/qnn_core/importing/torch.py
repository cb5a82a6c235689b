"""Nets of PyTorch: exported to ONNX in memory, and read from there."""

import contextlib
import inspect
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import ConversionError, ConversionWarning, ShapeError
from ..nn import Module
from .onnx import from_onnx
from .outputs import difference, tensors

# The highest version of the operators that every PyTorch since 2.2 writes by tracing.
OPSET = 17
# Of the greatest output: more than roundings of a deep net, less than another branch.
DIFFERENCE = 1e-3


def from_torch(
    module: Any, example: Any, *, batch_norm: str = "keep", layout: str = "channels_first"
) -> Module:
    """Return a net of PyTorch as a module with our layers, its weights in place.

    The net is run on the example in evaluation mode, traced by `torch.onnx.export` and read by
    `from_onnx`: what a `forward` decides by the numbers of an input is taken as it was for the
    example. Both are then run on the example, and on other numbers of its size: where they differ
    there is a warning. The net itself stays as it is, in the mode that it was in. PyTorch is
    imported here, and nowhere else.

    Args:
        module: a ``torch.nn.Module``, also as ``torch.compile`` or ``DataParallel`` wrap it.
        example: an input ``[batch, ...]`` as PyTorch has it, images with their channels first; a
            tensor, an array, or a tuple of them for several inputs. Its numbers do not matter.
        batch_norm: ``"keep"`` for layers of batch normalization, to be trained further; ``"fold"``
            to have it in the weights of the layers before.
        layout: of images and signals that the module is to take and return: ``"channels_first"``,
            as PyTorch's, or ``"channels_last"``.

    Raises:
        ImportError: if PyTorch or onnx is not installed.
        TypeError: if `module` is no ``torch.nn.Module``.
        ShapeError: if the first axis of an input is not the batch.
        ConversionError: if the net fails on the example, cannot be exported, or has operations that
            have no form here; the message lists all of them. Also if what came of it has not as
            many outputs, or others in shape.

    Example:
        A LeNet of PyTorch's, quantized to 4 bits:

        >>> net = qnn.from_torch(lenet, torch.zeros(1, 1, 28, 28))  # doctest: +SKIP
        >>> specs = {"weight": "symmetric:4", "input": "uniform:4"}
        >>> small = qnn.quantize(net, **specs, calibration=images)  # doctest: +SKIP
    """
    torch = _torch()
    module = _unwrapped(torch, module)
    inputs = _inputs(torch, module, example)
    with _evaluating(module), _quiet(torch), torch.no_grad():
        twice = _checked_batch(torch, module, inputs)
        content, tried = _exported(torch, module, twice, keep=batch_norm != "fold")
        try:
            made = from_onnx(content, batch_norm=batch_norm, layout=layout)
        except ConversionError as error:
            raise ConversionError(f"from_torch: {error}{tried}") from error
        same = made
        if layout != "channels_first":
            same = from_onnx(content, batch_norm=batch_norm)
        found = _difference(torch, module, same, inputs)
    # What is computed in half precision has its roundings.
    if found > max([DIFFERENCE, *(8 * torch.finfo(x.dtype).eps for x in inputs)]):
        by = (
            f"by {found:.1e} of the greatest output" if np.isfinite(found) else "in NaN or infinity"
        )
        warnings.warn(
            f"from_torch: the net here and that of PyTorch differ {by}, "
            "on the example or on other numbers: does its forward depend on the "
            "numbers of its input (if, while), or draw some?",
            ConversionWarning,
            stacklevel=2,
        )
    return made


def _torch() -> Any:
    try:
        import torch  # noqa: PLC0415 # it is optional, large, and slow to import
    except ImportError as error:
        raise ImportError(
            "from_torch: a net of PyTorch needs PyTorch: pip install torch onnx"
        ) from error
    return torch


def _unwrapped(torch: Any, module: Any) -> Any:
    """Return the net inside of what ``torch.compile`` or data parallelism made of it."""
    parallel = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
    while isinstance(module, torch.nn.Module):
        if isinstance(module, parallel):
            module = module.module
        elif hasattr(module, "_orig_mod"):
            module = module._orig_mod
        else:
            break
    return module


def _inputs(torch: Any, module: Any, example: Any) -> tuple[Any, ...]:
    """Return the example's tensors, where and of what dtype the net has its parameters."""
    if not isinstance(module, torch.nn.Module):
        kind, hint = type(module).__name__, ""
        if isinstance(module, type):
            kind, hint = f"the class {module.__name__}", "; make one of it"
        elif isinstance(module, Mapping):
            hint = ": a state? qnn.load_torch_state gives it to a model of ours"
        raise TypeError(f"from_torch: the net must be a torch.nn.Module, got {kind}{hint}")
    first = next(module.parameters(), torch.zeros(0))
    several = isinstance(example, tuple | list) and all(hasattr(x, "shape") for x in example)
    given = tuple(example) if several else (example,)
    tensors = []
    for x in given:
        if isinstance(x, torch.Tensor):
            tensors.append(x.to(first.dtype))
            continue
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TypeError(
                "from_torch: the example must be a tensor or an array of numbers, got "
                f"{type(x).__name__}"
            )
        tensors.append(torch.from_numpy(array.copy()).to(first.device, first.dtype))
    for x in tensors:
        if x.ndim < 2 or not x.numel():
            hint = ""
            if isinstance(example, tuple) and all(isinstance(n, int) for n in example):
                hint = f"; of a shape, torch.zeros{example} is one"
            raise ShapeError(
                "from_torch: the example must be a tensor [batch, ...], with a sample, got shape "
                f"{tuple(x.shape)}{hint}"
            )
    return tuple(tensors)


@contextlib.contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Have the net in evaluation mode for a while, and each part in its own again after."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


@contextlib.contextmanager
def _quiet(torch: Any) -> Iterator[None]:
    """Keep what the exporters say of their own future from the user's screen."""
    # Tracing prints a graph that it cannot export, where Python's streams do not go.
    log = getattr(torch._C, "_jit_onnx_log", None)
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    said = io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            warnings.simplefilter("ignore")
            if log is not None:
                torch._C._jit_onnx_log = lambda *_: None
            yield
    finally:
        if log is not None:
            torch._C._jit_onnx_log = log
        logger.setLevel(level)


def _checked_batch(torch: Any, module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the inputs twice, one after the other, if the net takes them for so many samples."""
    shapes = " and ".join(str(tuple(x.shape)) for x in inputs)
    once = _run(module, inputs, f"it fails on the example of shape {shapes}", ConversionError)
    twice = tuple(torch.cat([x, x]) for x in inputs)
    no_batch = (
        f"the first axis of the example is not the batch: it has shape {shapes}, and the net does "
        "not take two of it, one after the other; give [batch, ...]"
    )
    both = _run(module, twice, no_batch, ShapeError)
    if isinstance(once, torch.Tensor) and isinstance(both, torch.Tensor):
        counts = [tuple(y.shape[:1]) for y in (once, both)]
        if counts != [(len(inputs[0]),), (2 * len(inputs[0]),)]:
            raise ShapeError(f"from_torch: {no_batch}")
    return twice


def _run(module: Any, inputs: tuple[Any, ...], failed: str, kind: type[Exception]) -> Any:
    try:
        return _answer(module, inputs)
    except Exception as error:
        raise kind(f"from_torch: {failed}: {error}") from error


def _answer(module: Any, inputs: tuple[Any, ...]) -> Any:
    """Return what a net answers to copies: it may compute in place."""
    return module(*(x.clone() for x in inputs))


def _difference(torch: Any, module: Any, made: Module, inputs: tuple[Any, ...]) -> float:
    """Return the greatest difference of the answers, see `outputs.difference`."""
    rng = np.random.default_rng(0)
    greatest = 0.0
    others = [inputs, tuple(-x for x in inputs), tuple(_noise(torch, rng, x) for x in inputs)]
    for given in others:
        theirs = [y.float().cpu().numpy() for y in tensors(_answer(module, given))]
        ours = made(*(x.float().cpu().numpy() for x in given))
        several = ours if isinstance(ours, tuple) else (ours,)
        greatest = max(greatest, difference(theirs, [y.data for y in several]))
    return greatest


def _noise(torch: Any, rng: np.random.Generator, x: Any) -> Any:
    """Return other numbers of the same spread, which may be 0."""
    spread = float(x.float().std(correction=0)) or 1.0
    noise = rng.normal(0, spread, tuple(x.shape)).astype(np.float32)
    return torch.from_numpy(noise).to(x.device, x.dtype)


def _exported(torch: Any, module: Any, inputs: tuple[Any, ...], *, keep: bool) -> tuple[bytes, str]:
    """Return a net as the bytes of a file of ONNX, and what there is to say of that.

    By tracing, which any PyTorch since 2.2 does without further packages; what has no form there
    may have one in the exporter by `torch.export`.
    """
    names = [f"input{n}" if n else "input" for n in range(len(inputs))]
    known = inspect.signature(torch.onnx.export).parameters
    exporter = {"dynamo": False} if "dynamo" in known else {}
    try:
        return _traced(torch, module, inputs, names, **exporter), ""
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        if "dynamo" in known:
            # The first error says what is unusual about the net.
            with contextlib.suppress(Exception):
                content = _by_graph(torch, module, inputs, names, optimize=not keep)
                return content, f"\n(by torch.export; tracing it had failed: {said})"
        raise ConversionError(
            f"from_torch: torch.onnx.export cannot export this {type(module).__name__}: {said}"
        ) from error


def _traced(
    torch: Any, module: Any, inputs: tuple[Any, ...], names: list[str], **exporter: Any
) -> bytes:
    file = io.BytesIO()
    torch.onnx.export(
        module,
        inputs,
        file,
        opset_version=OPSET,
        # As the net is, which is in evaluation: EVAL would fold batch normalization.
        training=torch.onnx.TrainingMode.PRESERVE,
        input_names=names,
        dynamic_axes={name: {0: "batch"} for name in names},
        **exporter,
    )
    return file.getvalue()


def _by_graph(
    torch: Any, module: Any, inputs: tuple[Any, ...], names: list[str], *, optimize: bool
) -> bytes:
    batch = torch.export.Dim("batch")
    program = torch.onnx.export(
        module,
        inputs,
        dynamo=True,
        optimize=optimize,
        input_names=names,
        dynamic_shapes=tuple({0: batch} for _ in inputs),
        verbose=False,
    )
    content: bytes = program.model_proto.SerializeToString()
    return content
