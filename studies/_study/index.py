"""docs/results/README.md: what each study was to reach and what it reached, with its command."""

from pathlib import Path

from qnn_compare import Comparison

from .plan import NAMES, study

FILE = "study.json"

HEAD = """\
# Results

Each folder holds one study: how it was made (README.md), its numbers, a figure.

On full MNIST, 60,000 training and 10,000 test images. `QNN_DATA` may name the folder where it is;
else it is downloaded. Recipes were chosen on 10,000 training images that were held out
(`nox -s study -- NAME --choose` measures on them), and by what the literature knows; then each net
was trained on all 60,000, and the test images were looked at once, after the last epoch; where
they had been looked at before, a study's page says so. Targets were set beforehand, by what others
publish (BNN-PYNQ, BitNetMCU) or reach; a target is reached if the mean is not below. A command goes
on where its folder ends, as long as the code that makes numbers is the same.
"""

TAIL = """\
Bytes are of the file that `qnn.pack(model, example).save(path)` writes, header and all, floats
deflated too: a float net takes 15 % less than four bytes a weight. Where a study's page says
"version 1", an older file is meant, without that. With one seed there is no interval: take the
number as one draw.

Others, each with its own command in it:

- [bits](bits/README.md): every scheme at 1 to 32 bits, five seeds, with verdicts, by
  `nox -s compare -- studies/bits.toml --store docs/results/bits`; `qnn report docs/results/bits`
  goes on from there
- [methods](methods/README.md): LSQ, PACT, DoReFa-Net, EWGS, logarithmic and ours at 2, 3 and 4 bits
  on a narrow LeNet, from the same float net and with rates tuned alike, five seeds, by
  `python studies/methods.py`: at 2 bits nobody wins: five are within half a point of each other,
  0.12 to 0.16 points below float, and the logarithmic loses 0.9 and is not reliable
- total_bits: BitNetMCU's "only the total number of bits matters", for fully connected nets, five
  seeds, rates tuned alike. [The same bits of weights](total_bits/weights/README.md), by
  `python studies/total_bits.py weights`: so it is from 1 to 4 bits, within 0.2 points, 1 bit being
  the best; 8 bits cost 0.38. [Files of 12,000 bytes](total_bits/files/README.md), by
  `python studies/total_bits.py files`: all are within half a point, though 8 bits cost 0.35 and
  ternary weights 0.24
- [one_dimensional](one_dimensional/README.md): signals (MNIST-1D) and convolutions with one
  dimension, five seeds, rates tuned alike, by `python studies/one_dimensional.py`: 4 bits cost 1.1
  points of 95.3 %, with 2 bits everywhere nets learn 80 % and not reliably, and 8 bits are
  undecided, 0.5 points below float, give or take 0.5
- [regression](regression/README.md): a table of 442 patients (diabetes), mean absolute errors,
  rates and epochs tuned alike, seeds until decided, by `python studies/regression.py`: 8 and 4 bits
  are within 2 points of float's 44.5 (ridge regression has 45.2), 2 bits are 1.3 worse; where float
  was left to overfit, in a first run, 2 bits beat it
- [learned_bits](learned_bits/README.md): bits of each layer under a budget of bytes, measured
  (`qnn.allocate`) or trained (`qnn.learn_bits`), three nets, five seeds, by
  `python studies/learned_bits.py`: no winner: the same within half a point for a fully connected
  net and LeNet, undecided for DS-CNN, which loses 11 points at 2.5 bits either way
- [verdicts](verdicts/README.md): simulated studies, and what verdicts say where the truth is
  known, by `python studies/verdicts.py`
- [paradox](paradox/README.md): why 1 bit beat 2 bits, and 4 bits float, in the original work
- [training](training/README.md): training steps beside other frameworks
- [inference](inference/README.md): packed models and products beside other libraries
- [live](live/README.md): nets in a page, in a browser, beside Python's engine on 10,000 images, by
  `python benchmarks/live_difference.py`: 0 differ
- [float-products.txt](float-products.txt): products of float32 beside NumPy's
"""


def index(folder: Path) -> str:
    """Return the page for the studies that have results in `folder`."""
    found = [name for name in NAMES if (folder / name / FILE).exists()]
    return "\n".join([HEAD, *(_section(folder, name) for name in found), TAIL])


def _section(folder: Path, name: str) -> str:
    head = f"## [{study(name).title}]({name}/README.md)\n\n`nox -s study -- {name}`"
    return f"{head}\n\n{Comparison.load(folder / name).table('markdown')}\n"
