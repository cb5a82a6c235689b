import a_module_that_nobody_has  # noqa: F401 # what fails
from qnn_core.quantizer import Quantizer  # noqa: F401 # as a plugin has it
