"""Write the nets of torch_nets.py as ONNX files, by both exporters of PyTorch.

    pip install torch onnx onnxscript
    python tests/nets/make_torch_nets.py

A file is called ``NET-EXPORTER-OPSET[-HOW].onnx``. ``script`` traces (``dynamo=False``), ``dynamo``
exports a graph of torch.export. Without ``bn`` an exporter folds batch normalization into what is
before it; ``fixed`` is a batch of one, as people export who think of one image.
"""

import io
import logging
import warnings
from pathlib import Path

import onnx
import torch
from torch_nets import NETS, build

HERE = Path(__file__).parent
Export = tuple[str, int, str]
EXPORTS: dict[str, tuple[Export, ...]] = {
    "lenet": (("script", 11, ""), ("script", 13, "fixed"), ("dynamo", 18, "")),
    "resnet8": (("script", 13, "bn"), ("script", 17, ""), ("dynamo", 18, "")),
    "resnet20": (("script", 17, "bn"), ("dynamo", 20, "bn")),
    "mobilenet_v2": (("script", 11, "bn"), ("script", 13, ""), ("dynamo", 18, "bn")),
    "mobilenet_v3": (("script", 13, "bn"), ("script", 17, ""), ("dynamo", 18, "")),
    "ds_cnn": (("script", 11, ""), ("script", 17, "bn"), ("dynamo", 18, "bn")),
    "mlp": (("script", 11, ""), ("script", 13, "bn"), ("dynamo", 18, ""), ("dynamo", 18, "bn")),
    "autoencoder": (("script", 11, ""), ("script", 17, "fixed"), ("dynamo", 18, "")),
    "conv1d": (("script", 11, ""), ("script", 13, "bn"), ("dynamo", 18, "bn")),
    "inception": (("script", 11, ""), ("script", 17, ""), ("dynamo", 18, "")),
    "shapes": (("script", 11, ""), ("script", 13, "fixed"), ("script", 17, ""), ("dynamo", 18, "")),
}


def export(name: str, exporter: str, opset: int, how: str) -> onnx.ModelProto:
    """Return a net as one of the exporters writes it."""
    net, example = build(name)
    batch = None if how == "fixed" else {0: "batch"}
    if how == "fixed":
        example = example[:1]
    names = {"input_names": ["input"], "output_names": ["output"]}
    if exporter == "dynamo":
        shapes = ({0: torch.export.Dim("batch")},) if batch else None
        program = torch.onnx.export(
            net,
            (example,),
            dynamo=True,
            opset_version=opset,
            dynamic_shapes=shapes,
            optimize=how != "bn",
            verbose=False,
            **names,
        )
        return program.model_proto
    kept = torch.onnx.TrainingMode.PRESERVE if how == "bn" else torch.onnx.TrainingMode.EVAL
    file = io.BytesIO()
    torch.onnx.export(
        net,
        (example,),
        file,
        dynamo=False,
        opset_version=opset,
        training=kept,
        dynamic_axes={"input": batch, "output": batch} if batch else None,
        **names,
    )
    return onnx.load_model_from_string(file.getvalue())


def without_paths(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model without what exporters tell of the machine that they ran on."""
    del model.metadata_props[:], model.functions[:]
    model.graph.doc_string = ""
    del model.graph.metadata_props[:], model.graph.value_info[:]
    for part in (
        *model.graph.node,
        *model.graph.input,
        *model.graph.output,
        *model.graph.initializer,
    ):
        part.doc_string = ""
        del part.metadata_props[:]
    return model


def main() -> None:
    """Write all files."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for name in NETS:
        for exporter, opset, how in EXPORTS[name]:
            model = without_paths(export(name, exporter, opset, how))
            onnx.checker.check_model(model, full_check=True)
            path = HERE / ("-".join(filter(None, (name, exporter, str(opset), how))) + ".onnx")
            path.write_bytes(model.SerializeToString(deterministic=True))
            print(
                path.name, path.stat().st_size, sorted({node.op_type for node in model.graph.node})
            )


if __name__ == "__main__":
    main()
