"""The laws of what is deployed: codes in bits, the engine on every kernel path, files."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..autodiff import Tensor
from ..deploy import load, pack
from ..errors import FileError, PackError
from ..machine import cpu
from ..nn import Module, QuantConv2d, QuantLinear, ReLU, Sequential
from ..qtensor import encode, pack_bits, unpack_bits
from ..quantizer import Quantizer, codebook
from .law import Violation
from .samples import Array, first, normal, of_input, variants, whole

# Around the 64 bits of a word, and one: where kernels have their seams.
LENGTHS = (1, 63, 64, 65)


def codes_pack_and_unpack(q: Quantizer) -> Iterator[Violation]:
    """Codes packed into bits and unpacked again are the same codes, in the bytes promised."""
    codes = np.resize(np.arange(codebook(q).levels.size, dtype=np.uint8), 67)
    packed = pack_bits(codes, q.bits)
    found = unpack_bits(packed, q.bits, codes.size)
    if packed.nbytes != -(-codes.size * q.bits // 8):
        wanted = f"{-(-codes.size * q.bits // 8)} bytes"
        yield Violation(f"67 codes of {q.bits} bits", wanted, f"{packed.nbytes}")
    if not np.array_equal(found, codes):
        (n,) = first(found != codes)
        yield Violation(f"code {n} of 67, packed and unpacked", str(codes[n]), str(found[n]))
    x = normal(6, 5)
    coded = encode(x, whole(q))
    if not np.array_equal(encode(x, whole(q)).packed, coded.packed):
        yield Violation("encoding the same data twice", "the same bytes", "others")


def engine_is_evaluation(q: Quantizer) -> Iterator[Violation]:
    """A packed model gives the bits of the evaluation, on every kernel path of this processor.

    As weight, as input and as both, with sums of 1, 63, 64 and 65 elements, with qparams for each
    channel, behind another layer (where thresholds replace float work), and in a convolution.
    """
    for name, model, x in _models(q):
        model(Tensor(x))
        expected = model.eval()(Tensor(x)).data
        try:
            packed = pack(model, x)
        except PackError as error:
            yield Violation(name, "what evaluation gives, to the bit", str(error))
            continue
        for path in cpu.paths():
            with cpu.using(path):
                ways = {"packed": np.asarray(packed(x)), "evaluated": model(Tensor(x)).data}
            for way, found in ways.items():
                if not np.array_equal(found, expected):
                    at = first(found != expected)
                    given = f"{name}, {way} on kernel path {path}: output {list(at)}"
                    wanted = f"{expected[at]!s}, what evaluation gives"
                    yield Violation(given, wanted, str(found[at]))


def _models(q: Quantizer) -> Iterator[tuple[str, Module, Array]]:
    """Yield models with a quantizer in every place, and data for them."""
    q = whole(q)
    for k in LENGTHS:
        layer = QuantLinear(k, 5, weight=q, input=of_input(q), seed=0)
        yield f"weight and input, sums of {k}", layer, normal(9, k)
    yield "weight, float input", QuantLinear(65, 5, weight=q, seed=0), normal(9, 65)
    yield "input, float weight", QuantLinear(65, 5, input=of_input(q), seed=0), normal(9, 65)
    for each in variants(q, "axis", [0]):
        layer = QuantLinear(65, 5, weight=each, input=of_input(q), seed=0)
        yield "weight with axis=0, and input", layer, normal(9, 65)
    layers = [
        QuantLinear(n, m, weight=q, input=of_input(q), seed=0) for n, m in ((20, 33), (33, 5))
    ]
    yield "two layers", Sequential(layers[0], ReLU(), layers[1]), normal(9, 20)
    conv = QuantConv2d(2, 3, 3, padding=1, weight=q, input=of_input(q), seed=0)
    yield "a convolution with padding", conv, normal(2, 5, 5, 2)


def files_are_faithful(q: Quantizer) -> Iterator[Violation]:
    """A saved model loads and gives the same bits; with a byte changed or cut off it is refused."""
    layer, x = QuantLinear(20, 5, weight=whole(q), input=of_input(whole(q)), seed=0), normal(9, 20)
    layer(Tensor(x))
    packed = pack(layer, x)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.qnn"
        packed.save(path)
        expected, found = np.asarray(packed(x)), np.asarray(load(path)(x))
        if not np.array_equal(found, expected):
            at = first(found != expected)
            given = f"output {list(at)} of the model from its file"
            yield Violation(given, f"{expected[at]!s}, as before it was saved", str(found[at]))
        content = path.read_bytes()
        middle = len(content) // 2
        changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        for damage, damaged in (("a byte changed", changed), ("its last byte cut", content[:-1])):
            path.write_bytes(damaged)
            try:
                load(path)
            except FileError:
                continue
            yield Violation(f"a file with {damage}", "a FileError", "a model")
