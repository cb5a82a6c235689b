"""Products of other libraries, each ready to be timed and checked for a right result first."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.cli.bench import Shape, Way

Array = NDArray[Any]
Build = Callable[[Shape, int], Way]


def bytes_of(shape: Shape, seed: int = 1) -> tuple[NDArray[np.uint8], NDArray[np.int8]]:
    """Return inputs below 128 (7 bits saturate nowhere) and weights."""
    (m, k, n), rng = shape, np.random.default_rng(seed)
    x = rng.integers(0, 128, (m, k), np.uint8)
    return x, rng.integers(-127, 128, (n, k), np.int8)


def bits_of(shape: Shape) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Array]:
    """Return bits of input and weight, eight to a byte, and the distances of the first rows.

    Rows are padded with zeros to whole 64-bit words, which some of the libraries need.
    """
    (m, k, n), rng = shape, np.random.default_rng(1)
    width = -(-k // 64) * 64
    bits = [np.zeros((rows, width), np.uint8) for rows in (m, n)]
    for part in bits:
        part[:, :k] = rng.integers(0, 2, (len(part), k), np.uint8)
    x, w = (np.packbits(part, axis=1, bitorder="little") for part in bits)
    return x, w, np.bitwise_count(x[:1, None] ^ w).sum(axis=-1)


def check(name: str, got: Any, want: Array, tolerance: float = 0.0) -> None:
    """Stop if the first rows of a result are wrong."""
    first = np.asarray(got)[: len(want)].astype(np.float64)
    off = np.abs(first - want).max()
    if off > tolerance:
        raise ArithmeticError(f"{name} is off by {off}, more than {tolerance}")


def onnxruntime_int8(shape: Shape, threads: int) -> Way:
    """MatMulInteger of uint8 and int8."""
    from onnx import TensorProto, helper, numpy_helper

    x, w = bytes_of(shape)
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    weights = [numpy_helper.from_array(np.ascontiguousarray(w.T), "w")]
    types = (TensorProto.UINT8, TensorProto.INT32)
    run = _session([node], weights, shape, types, threads)
    check("onnxruntime int8", run(x), x[:1].astype(np.int64) @ w.T.astype(np.int64))
    return lambda: run(x)


def onnxruntime_w4(shape: Shape, threads: int) -> Way:
    """MatMulNBits: 4-bit weights in blocks of 32, float32 input, int8 inside."""
    from onnx import TensorProto, helper, numpy_helper

    (m, k, n), rng = shape, np.random.default_rng(1)
    blocks = -(-k // 32)
    codes = np.full((n, blocks * 32), 8, np.uint8)
    codes[:, :k] = rng.integers(0, 16, (n, k), np.uint8)
    pairs = (codes[:, 0::2] | codes[:, 1::2] << 4).reshape(n, blocks, 16)
    scales = np.ones(n * blocks, np.float32)
    sizes = {"K": k, "N": n, "bits": 4, "block_size": 32, "accuracy_level": 4}
    names = ["x", "w", "s"]
    node = helper.make_node("MatMulNBits", names, ["y"], domain="com.microsoft", **sizes)
    weights = [numpy_helper.from_array(a, name) for a, name in ((pairs, "w"), (scales, "s"))]
    run = _session([node], weights, shape, (TensorProto.FLOAT, TensorProto.FLOAT), threads)
    x = rng.standard_normal((m, k), np.float32)
    want = x[:1] @ (codes[:, :k].astype(np.float32) - 8).T
    # It rounds the input to 8 bits.
    check("onnxruntime W4", run(x), want, tolerance=0.02 * float(np.abs(want).max()) + 1)
    return lambda: run(x)


def _session(
    nodes: list[Any], weights: list[Any], shape: Shape, types: tuple[int, int], threads: int
) -> Callable[[Array], Array]:
    import onnxruntime
    from onnx import helper

    m, k, n = shape
    x = helper.make_tensor_value_info("x", types[0], [m, k])
    y = helper.make_tensor_value_info("y", types[1], [m, n])
    graph = helper.make_graph(nodes, "product", [x], [y], weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda given: session.run(None, {"x": given})[0]


def torch_int8(engine: str) -> Build:
    """Return the builder of PyTorch's quantized linear on one of its engines."""

    def build(shape: Shape, threads: int) -> Way:
        import torch

        torch.set_num_threads(threads)
        if engine not in torch.backends.quantized.supported_engines:
            raise ImportError(f"PyTorch has no engine {engine}")
        torch.backends.quantized.engine = engine
        x, w = bytes_of(shape)
        want = x[:1].astype(np.float64) @ w.T
        scale = float(np.abs(want).max()) / 100
        x_q = torch._make_per_tensor_quantized_tensor(torch.from_numpy(x), 1.0, 0)
        w_q = torch._make_per_tensor_quantized_tensor(torch.from_numpy(w), 1.0, 0)
        packed = torch.ops.quantized.linear_prepack(w_q, None)
        run = torch.ops.quantized.linear
        check(f"torch {engine}", run(x_q, packed, scale, 128).dequantize(), want, 0.51 * scale)
        return lambda: run(x_q, packed, scale, 128)

    return build


def numkong_bits(shape: Shape, threads: int) -> Way:
    """Hamming distances by numkong, which has no threads of its own."""
    import numkong

    x, w, want = bits_of(shape)
    packed = numkong.hammings_pack(w)
    check("numkong", numkong.hammings_packed(x, packed), want)
    return lambda: numkong.hammings_packed(x, packed)


def simsimd_bits(shape: Shape, threads: int) -> Way:
    """Hamming distances by simsimd."""
    import simsimd

    x, w, want = bits_of(shape)

    def run() -> Any:
        return simsimd.cdist(x, w, "hamming", dtype="bin8", threads=threads)

    check("simsimd", run(), want)
    return run


def faiss_bits(shape: Shape, threads: int) -> Way:
    """Hamming distances by faiss."""
    import faiss

    faiss.omp_set_num_threads(threads)
    x, w, want = bits_of(shape)
    y = np.empty((len(x), len(w)), np.int32)
    pointers = [faiss.swig_ptr(a) for a in (x, w, y)]

    def run() -> Array:
        a, b, out = pointers
        faiss.hammings(a, b, len(x), len(w), x.shape[1], out)
        return y

    check("faiss", run(), want)
    return run


def bnn_lab_binary(shape: Shape, threads: int) -> Way:
    """W1A1 by bnn-lab, bits in, float32 out."""
    from bnn.kernels import packed

    packed.set_num_threads(threads)
    x, w, distances = bits_of(shape)
    x_words, w_words = x.view(np.uint64), w.view(np.uint64)

    def run() -> Any:
        return packed.binary_gemm_native_prepacked(x_words, w_words, shape[1])

    check("bnn-lab W1A1", run(), shape[1] - 2.0 * distances)
    return run


def bnn_lab_ternary(shape: Shape, threads: int) -> Way:
    """Ternary weights and binary input by bnn-lab."""
    from bnn.kernels import packed, ternary_gemm, ternary_pack

    packed.set_num_threads(threads)
    (m, k, n), rng = shape, np.random.default_rng(1)
    x = (2 * rng.integers(0, 2, (m, k)) - 1).astype(np.int8)
    w = rng.integers(-1, 2, (n, k), np.int8)
    bits, _ = packed.pack_binary_pm1(x, axis=1)
    plus, minus, _ = ternary_pack.pack_ternary_bitplanes(w)
    counts = ternary_pack.precompute_bitplane_pops(plus, minus)

    def run() -> Any:
        return ternary_gemm.ternary_bitplane_gemm_native(bits, plus, minus, 1.0, *counts)

    check("bnn-lab ternary", run(), x[:1].astype(np.float64) @ w.T)
    return run


PEERS: dict[str, Build] = {
    "onnxruntime int8": onnxruntime_int8,
    "onnxruntime W4 (MatMulNBits)": onnxruntime_w4,
    "torch int8 (onednn)": torch_int8("onednn"),
    "torch int8 (fbgemm)": torch_int8("fbgemm"),
    "numkong bits": numkong_bits,
    "simsimd bits": simsimd_bits,
    "faiss bits": faiss_bits,
    "bnn-lab W1A1": bnn_lab_binary,
    "bnn-lab ternary x binary": bnn_lab_ternary,
}


def installed(shape: Shape, threads: int) -> tuple[dict[str, Way], dict[str, str]]:
    """Return those that can be timed, and why the others cannot."""
    ways: dict[str, Way] = {}
    missing: dict[str, str] = {}
    for name, build in PEERS.items():
        try:
            ways[name] = build(shape, threads)
        except ImportError as error:
            missing[name] = f"not installed ({error})"
        except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
            missing[name] = f"installed, but does not do: {' '.join(str(error).split())[:200]}"
    return ways, missing
