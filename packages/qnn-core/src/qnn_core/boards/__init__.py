"""Microcontrollers that are emulated: C is built for them, run, counted and measured.

Needs the extra ``boards`` and compilers of the system; what is missing is an error that says what
installs it. Knows nothing of packed models: a net is a folder with C.
"""

from .build import build
from .image import Image
from .machine import Call, Machine
from .measure import Measurement, measure, selftest
from .missing import missing_tools
from .net import CNet
from .run_many import run_many
from .targets import TARGETS, Target, find_target

__all__ = [
    "TARGETS",
    "CNet",
    "Call",
    "Image",
    "Machine",
    "Measurement",
    "Target",
    "build",
    "find_target",
    "measure",
    "missing_tools",
    "run_many",
    "selftest",
]
