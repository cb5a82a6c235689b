"""What PyTorch's names are called here: for the messages that whoever comes from there gets."""

from typing import NoReturn

CHANNELS = "channels are the last axis, of vectors, signals and images alike"
NO_DEVICE = "there are no devices: all is computed by the processor, in the memory of NumPy"
BY_OPERATIONS = "activations are operations, such as `qnn.ops.relu`"

OF_QNN = {
    "tensor": "`qnn.Tensor`",
    "as_tensor": "`qnn.Tensor`",
    "from_numpy": "`qnn.Tensor`",
    "zeros": "`qnn.Tensor` of np.zeros",
    "ones": "`qnn.Tensor` of np.ones",
    "randn": "`qnn.Tensor` of np.random.default_rng(seed).normal",
    "manual_seed": "an argument: layers, models and `qnn.fit` take seed=",
    "device": NO_DEVICE,
    "cuda": NO_DEVICE,
    "float32": "np.float32: dtypes are NumPy's",
    "float64": "np.float64: dtypes are NumPy's",
    "int64": "np.int64: dtypes are NumPy's",
    "set_grad_enabled": "`qnn.no_grad`",
    "inference_mode": "`qnn.no_grad`",
    "compile": "`qnn.compiled`",
    "cat": "`qnn.ops.concatenate`",
    "functional": "`qnn.ops`",
    "CrossEntropyLoss": "`qnn.ops.softmax_cross_entropy`, which `qnn.fit` takes by itself",
    "utils": "qnn_data.DataLoader, and `qnn.optim.clip_gradients`",
}
OF_NN = {
    "functional": "`qnn.ops`",
    "BatchNorm1d": f"`qnn.BatchNorm`: {CHANNELS}",
    "BatchNorm2d": f"`qnn.BatchNorm`: {CHANNELS}",
    "AdaptiveAvgPool2d": "`qnn.GlobalAvgPool2d`",
    "ModuleList": "a plain list: modules in lists and dictionaries are found",
    "ModuleDict": "a plain dictionary: modules in lists and dictionaries are found",
    "ParameterList": "a plain list: parameters in lists and dictionaries are found",
    "Parameter": "`qnn.Parameter`",
    "CrossEntropyLoss": "`qnn.ops.softmax_cross_entropy`, which `qnn.fit` takes by itself",
    "NLLLoss": "`qnn.ops.softmax_cross_entropy`, of scores before softmax",
    "BCEWithLogitsLoss": "`qnn.ops.binary_cross_entropy_with_logits`",
    "BCELoss": "`qnn.ops.binary_cross_entropy_with_logits`, of scores before sigmoid",
    "MSELoss": "`qnn.ops.mean_squared_error`",
    "L1Loss": "`qnn.ops.mean_absolute_error`",
    "HuberLoss": "`qnn.ops.huber`",
    "Identity": "`qnn.Sequential` of nothing",
    "utils": "`qnn.optim.clip_gradients`",
}
OF_OPS = {
    "cross_entropy": "`qnn.ops.softmax_cross_entropy`",
    "mse_loss": "`qnn.ops.mean_squared_error`",
    "l1_loss": "`qnn.ops.mean_absolute_error`",
    "binary_cross_entropy": "`qnn.ops.binary_cross_entropy_with_logits`",
    "cat": "`qnn.ops.concatenate`",
    "mm": "`qnn.ops.matmul`",
    "bmm": "`qnn.ops.matmul`",
    "view": "`qnn.ops.reshape`",
    "permute": "`qnn.ops.transpose`",
    "abs": "`qnn.ops.absolute`",
    "clamp": "`qnn.ops.clip`",
    "var": "`qnn.ops.variance`",
    "pad": "`qnn.ops.pad2d`",
    "one_hot": "np.eye(classes)[labels]",
}
SCHEDULES = "an argument: `qnn.optim.SGD` and others take schedule=, such as `qnn.optim.Cosine`"
OF_OPTIM = {
    "lr_scheduler": SCHEDULES,
    "CosineAnnealingLR": SCHEDULES,
    "OneCycleLR": SCHEDULES,
    "StepLR": SCHEDULES,
    "RMSprop": "`qnn.optim.Adam`",
}
OF_TENSOR = {
    "view": "`qnn.Tensor.reshape`",
    "permute": "`qnn.Tensor.transpose`",
    "unsqueeze": "x[:, None], or `qnn.Tensor.reshape`",
    "squeeze": "x[:, 0], or `qnn.Tensor.reshape`",
    "flatten": "`qnn.Tensor.reshape`",
    "dim": "`qnn.Tensor.ndim`",
    "t": "`qnn.Tensor.T`",
    "clone": "`qnn.Tensor` of x.data.copy()",
    "cpu": NO_DEVICE,
    "cuda": NO_DEVICE,
    "to": f"`qnn.Tensor` with a dtype; {NO_DEVICE}",
    "device": NO_DEVICE,
    "float": "`qnn.Tensor` with dtype float32",
    "double": "`qnn.Tensor` with dtype float64",
    "long": "x.data.astype(int): tensors are of floats, labels arrays of NumPy",
    "argmax": "x.data.argmax(axis=1)",
    "relu": "`qnn.ops.relu`",
    "exp": "`qnn.ops.exp`",
    "log": "`qnn.ops.log`",
    "abs": "`qnn.ops.absolute`",
    "sqrt": "`qnn.ops.sqrt`",
    "matmul": "`qnn.ops.matmul`, or @",
    "clamp": "`qnn.ops.clip`",
    "var": "`qnn.ops.variance`",
    "retain_grad": "an argument of `qnn.grad`: gradients in any tensors",
    "zero_grad": "zero_grad() of the optimizer",
}
OF_MODULE = {
    "to": f"`qnn.Module.astype` for a dtype; {NO_DEVICE}",
    "cuda": NO_DEVICE,
    "cpu": NO_DEVICE,
    "half": "`qnn.Module.astype`, of float32 or float64; fewer bits are quantizers'",
    "double": "`qnn.Module.astype` of float64",
    "float": "`qnn.Module.astype` of float32",
    "zero_grad": "zero_grad() of the optimizer",
    "children": "`qnn.Module.named_modules`",
    "modules": "`qnn.Module.named_modules`",
    "buffers": "`qnn.Module.named_buffers`",
    "register_buffer": "an attribute: self.name = `qnn.Buffer`(array)",
    "register_parameter": "an attribute: self.name = `qnn.Parameter`(array)",
    "add_module": "an attribute: self.name = module",
    "compile": "`qnn.compiled`, which `qnn.fit` does by itself",
    "fit": "`qnn.fit`(model, (x, y), epochs=..., optimizer=...)",
    "evaluate": "`qnn.evaluate`(model, (x, y))",
    "predict": "model(x).data.argmax(axis=1), or predict of what `qnn.pack` makes",
    "summary": "`qnn.summary`(model, x[:1])",
    "save": "`qnn.save`(model, path)",
}


def missing(where: str, name: str, names: dict[str, str]) -> NoReturn:
    """Raise the AttributeError of a name that is not there, with what is instead.

    Args:
        where: whose attribute it would be.
        name: of it.
        names: a table of this module.

    Example:
        >>> missing("module 'nn'", "L1Loss", {"L1Loss": "`qnn.ops.mean_absolute_error`"})
        Traceback (most recent call last):
        AttributeError: module 'nn' has no attribute 'L1Loss'; here: qnn.ops.mean_absolute_error
    """
    told = names.get(name)
    hint = "" if told is None else f"; here: {told.replace('`', '')}"
    raise AttributeError(f"{where} has no attribute {name!r}{hint}", name=name)
