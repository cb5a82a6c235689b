"""Write quantized nets: QDQ by onnxruntime and PyTorch's fake quantization, QONNX by hand.

    pip install torch onnx onnxscript onnxruntime qonnx
    python tests/nets/make_quantized_nets.py

A file is called ``NET-qdq-OPSET-HOW.onnx``, ``NET-qat-OPSET.onnx`` or ``NET-qonnx-OPSET.onnx``. The
nodes of the last are put together here: they have the shapes that Brevitas exports.
"""

import io
import logging
import tempfile
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from make_torch_nets import export, without_paths
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import Tensor, nn
from torch_nets import NETS, build

HERE = Path(__file__).parent
INT8, UINT8 = QuantType.QInt8, QuantType.QUInt8
SYMMETRIC = {"ActivationSymmetric": True, "WeightSymmetric": True}
STATIC: dict[str, tuple[str, int, dict[str, Any]]] = {
    "int8-symmetric": (
        "lenet",
        17,
        {
            "activation_type": INT8,
            "weight_type": INT8,
            "per_channel": True,
            "extra_options": SYMMETRIC,
        },
    ),
    "uint8": ("resnet8", 13, {"activation_type": UINT8, "weight_type": INT8}),
    "channels": (
        "mobilenet_v2",
        17,
        {"activation_type": UINT8, "weight_type": INT8, "per_channel": True},
    ),
    "uint8-weights": (
        "mlp",
        13,
        {
            "activation_type": UINT8,
            "weight_type": UINT8,
            "extra_options": {"WeightSymmetric": False},
        },
    ),
    "int8-channels": (
        "conv1d",
        13,
        {"activation_type": INT8, "weight_type": INT8, "per_channel": True},
    ),
    "int8": ("inception", 17, {"activation_type": INT8, "weight_type": INT8}),
    "gates": ("mobilenet_v3", 17, {"activation_type": UINT8, "weight_type": INT8}),
}


class Batches(CalibrationDataReader):
    """Eight random inputs."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        rng = np.random.default_rng(0)
        self.left = [rng.normal(size=(1, *shape)).astype(np.float32) for _ in range(8)]

    def get_next(self) -> dict[str, np.ndarray] | None:
        return {"input": self.left.pop()} if self.left else None


def static(name: str, opset: int, settings: dict[str, Any]) -> onnx.ModelProto:
    """Return a net after onnxruntime's static quantization."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.onnx"), Path(folder, "after.onnx")
        onnx.save(export(name, "script", opset, ""), before)
        reader = Batches(NETS[name][1])
        quantize_static(before, after, reader, quant_format=QuantFormat.QDQ, **settings)
        return onnx.load(after)


class FakeQuantized(nn.Module):
    """A LeNet in quantization-aware training: weights are float, and pass through Q and DQ."""

    def __init__(self) -> None:
        super().__init__()
        self.net, _ = build("lenet")
        for name, layer in self.net.named_children():
            if name != "pool":
                scale = layer.weight.detach().abs().flatten(1).amax(1) / 127
                layer.register_buffer("scale", scale)
                layer.register_buffer("zeros", torch.zeros(len(scale), dtype=torch.int32))

    def quantized(self, layer: nn.Module) -> Tensor:
        numbers = layer.weight, layer.scale, layer.zeros
        return torch.fake_quantize_per_channel_affine(*numbers, 0, -128, 127)

    def forward(self, x: Tensor) -> Tensor:
        net = self.net
        x = torch.fake_quantize_per_tensor_affine(x, 0.03, 0, -128, 127)
        x = F.relu(F.conv2d(x, self.quantized(net.conv1), net.conv1.bias, padding=2))
        x = net.pool(torch.fake_quantize_per_tensor_affine(x, 0.02, 0, 0, 255))
        x = F.relu(F.conv2d(x, self.quantized(net.conv2), net.conv2.bias))
        x = net.pool(torch.fake_quantize_per_tensor_affine(x, 0.025, 0, 0, 255)).flatten(1)
        for layer in (net.fc1, net.fc2):
            x = F.relu(F.linear(x, self.quantized(layer), layer.bias))
            x = torch.fake_quantize_per_tensor_affine(x, 0.03, 0, 0, 255)
        return F.linear(x, self.quantized(net.fc3), net.fc3.bias)


def fake_quantized() -> onnx.ModelProto:
    """Return the net of `FakeQuantized` as PyTorch exports it."""
    file = io.BytesIO()
    torch.onnx.export(
        FakeQuantized().eval(),
        (build("lenet")[1],),
        file,
        dynamo=False,
        opset_version=13,
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}},
    )
    return onnx.load_model_from_string(file.getvalue())


class Graph:
    """Nodes and numbers, in the order in which they are added."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: list[onnx.TensorProto] = []

    def array(self, values: Any) -> str:
        name = f"param_{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        name = f"{kind}_{len(self.nodes)}_out0"
        called = f"{kind}_{len(self.nodes)}"
        node = helper.make_node(kind, inputs, [name], name=called, domain=domain, **attributes)
        self.nodes.append(node)
        return name

    def quant(
        self, x: str, scale: Any, bits: int, *, signed: int = 1, narrow: int = 0, zero: float = 0.0
    ) -> str:
        """Add Quant, with numbers of the shapes that Brevitas gives them."""
        inputs = [self.array(np.float32(value)) for value in (scale, zero, float(bits))]
        how = {"signed": signed, "narrow": narrow, "rounding_mode": "ROUND"}
        return self.node("Quant", x, *inputs, domain="qonnx.custom_op.general", **how)

    def bipolar(self, x: str, scale: float) -> str:
        return self.node(
            "BipolarQuant", x, self.array(np.float32(scale)), domain="qonnx.custom_op.general"
        )

    def weight(self, *shape: int) -> np.ndarray:
        fan_in = int(np.prod(shape[1:]))
        return self.rng.normal(0, (1.6 / fan_in) ** 0.5, shape).astype(np.float32)

    def batch_norm(self, x: str, channels: int) -> str:
        numbers = (
            self.rng.uniform(0.6, 1.4, channels),
            self.rng.normal(0, 0.2, channels),
            self.rng.normal(0, 0.3, channels),
            self.rng.uniform(0.4, 2, channels),
        )
        arrays = [self.array(values.astype(np.float32)) for values in numbers]
        return self.node("BatchNormalization", x, *arrays, epsilon=1e-5)

    def model(
        self, output: str, shape: tuple[int, ...], outputs: int, opset: int
    ) -> onnx.ModelProto:
        self.nodes[-1].output[0] = "output"
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *size])
            for name, size in (("input", shape), ("output", (outputs,)))
        ]
        graph = helper.make_graph(self.nodes, "main_graph", ends[:1], ends[1:], self.arrays)
        domains = [helper.make_opsetid("", opset)]
        domains.append(helper.make_opsetid("qonnx.custom_op.general", 1))
        return helper.make_model(graph, opset_imports=domains, ir_version=8)


def tfc() -> onnx.ModelProto:
    """Linear layers of one bit: weights and activations are -1 or 1; FINN's TFC-w1a1."""
    g = Graph(1)
    x = g.node("Reshape", "input", g.array(np.array([-1, 64])))
    x = g.bipolar(x, 1.0)
    sizes = (64, 32, 24, 10)
    for index, (inputs, outputs) in enumerate(pairwise(sizes)):
        weight = g.bipolar(g.array(g.weight(outputs, inputs)), 1.0)
        x = g.node("MatMul", x, g.node("Transpose", weight, perm=[1, 0]))
        x = g.batch_norm(x, outputs)
        if index < 2:
            x = g.bipolar(x, 1.0)
    return g.model(x, (1, 8, 8), 10, 13)


def cnv() -> onnx.ModelProto:
    """Convolutions of 2 bits with scales per channel; a last layer of 4 bits with a bias of 8."""
    g = Graph(2)
    x = g.quant("input", 1 / 32, 8)
    channels = 3
    for outputs, pool in ((8, False), (8, True), (12, True)):
        weight = g.weight(outputs, channels, 3, 3)
        scale = np.abs(weight).max((1, 2, 3), keepdims=True)
        quantized = g.quant(g.array(weight), scale, 2, narrow=1)
        kernel = {"kernel_shape": [3, 3], "pads": [1] * 4, "strides": [1, 1], "group": 1}
        x = g.node("Conv", x, quantized, dilations=[1, 1], **kernel)
        x = g.node("Relu", g.batch_norm(x, outputs))
        x = g.quant(x, 0.6, 2, signed=0)
        if pool:
            x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        channels = outputs
    x = g.node("Flatten", x, axis=1)
    weight = g.weight(10, 12 * 4 * 4)
    quantized = g.quant(g.array(weight), np.abs(weight).max() / 7, 4, narrow=1)
    bias = g.quant(g.array(g.weight(10)), 1 / 128, 8)
    x = g.node("Gemm", x, quantized, bias, transB=1)
    return g.model(x, (3, 16, 16), 10, 13)


def mobile() -> onnx.ModelProto:
    """Four bits: depthwise, a residual of one scale, a zero point that is not 0, an average."""
    g = Graph(3)
    x = g.quant("input", 0.25, 4, signed=0, zero=7)
    first = x
    for outputs, groups, size in ((6, 1, 1), (6, 6, 3), (3, 1, 1)):
        inputs = {1: 3 if outputs == 6 else 6, 6: 1}[groups]
        weight = g.weight(outputs, inputs, size, size)
        scale = np.abs(weight).max((1, 2, 3), keepdims=True) / 7
        quantized = g.quant(g.array(weight), scale, 4, narrow=1)
        bias = g.array(g.weight(outputs))
        pads = [size // 2] * 4
        x = g.node("Conv", x, quantized, bias, kernel_shape=[size] * 2, pads=pads, group=groups)
        if outputs == 6:
            x = g.quant(g.node("Relu", x), 0.2, 4, signed=0)
    x = g.quant(x, 0.25, 4)
    x = g.quant(g.node("Add", x, first), 0.3, 4)
    x = g.quant(g.node("GlobalAveragePool", x), 1 / 16, 8)
    x = g.node("Reshape", x, g.array(np.array([0, -1])))
    quantized = g.quant(g.array(g.weight(3, 5)), 0.125, 4)
    x = g.node("Add", g.node("MatMul", x, quantized), g.array(g.weight(5)))
    return g.model(x, (3, 12, 12), 5, 17)


def main() -> None:
    """Write all files."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    models = {
        f"{name}-qdq-{opset}-{how}": static(name, opset, settings)
        for how, (name, opset, settings) in STATIC.items()
    }
    models["lenet-qat-13"] = fake_quantized()
    models |= {"tfc-qonnx-13": tfc(), "cnv-qonnx-13": cnv(), "mobile-qonnx-17": mobile()}
    for name, model in models.items():
        path = HERE / f"{name}.onnx"
        path.write_bytes(without_paths(model).SerializeToString(deterministic=True))
        print(path.name, path.stat().st_size, sorted({node.op_type for node in model.graph.node}))


if __name__ == "__main__":
    main()
