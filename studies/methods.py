"""Six methods on LeNet, each from the same float net: python studies/methods.py [BITS ...]

LeNet has half the usual channels and 128 hidden outputs. Each method learns for three epochs more
at a rate that was chosen for each alike; the first and the last layer have 8 bits. What is done is
kept in docs/results/methods, and the call goes on with it.
"""

import sys
from functools import partial

import qnn_core as qnn
import qnn_data
from qnn_compare import Config, compare

# Weights and inputs; docs/schemes.md says what is as in the papers.
METHODS = """
LSQ          symmetric:{},grid=twos-complement,scale=lsq,calibration=lsq  uniform:{},scale=lsq
PACT         symmetric:{},grid=even,scale=calibrated,calibration=sawb     uniform:{},scale=pact
DoReFa       symmetric:{},grid=even,transform=tanh,scale=fixed,calibration=absmax,ste=identity \
             uniform:{},scale=fixed,calibration=unit
symmetric    symmetric:{}    uniform:{}
logarithmic  logarithmic:{}  logarithmic:{},signed=False
EWGS         ewgs:{}         uniform:{}
"""
configs = [
    Config(
        f"{name} {bits}", weight=weight.format(bits), input=input.format(bits),
        first_weight="symmetric:8", first_input="uniform:8", last_weight="symmetric:8",
        last_input=input.format(bits), start="float", recipe={"epochs": 3},
    )
    for name, weight, input in map(str.split, METHODS.strip().splitlines())
    for bits in sys.argv[1:] or "234"
]  # fmt: skip # one config
found = compare(
    partial(qnn.LeNet, channels=(16, 32), hidden=128, batch_norm=True),
    partial(qnn_data.load, "mnist"), configs=[Config("float"), *configs], seeds=5,
    epochs=8, batch_size=200, tune={"lr": [5e-4, 1e-3, 3e-3, 1e-2]}, store="docs/results/methods",
)  # fmt: skip # one call
found.report("docs/results/methods/README.md", title="MNIST: six methods, one net", about=__doc__)
print(found)
