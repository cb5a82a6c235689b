import a_module_that_nobody_has  # noqa: F401
from qnn_core.quantizer import Quantizer  # noqa: F401
