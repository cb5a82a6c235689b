"""An operation that a script declares reaches the processes that train its nets."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import ops
from qnn_core.autodiff import OPS, Op, op
from qnn_core.autodiff.table import BUILT_IN, RECEIVED

SCRIPT = """
import numpy as np
import qnn_core as qnn
from qnn_core import ops
from qnn_core.autodiff import op


def rounded(w, *, bits):
    levels = 2 ** (bits - 1) - 1
    return np.round(w * levels) / levels


quantize = op("script_rounded", rounded, shape=lambda x, **_: x, vjps=[lambda g, y, x, **_: g])


class Rounding(qnn.Linear):
    def forward(self, x):
        return ops.linear(x, quantize(ops.tanh(self.weight), bits=3), self.bias)


def build(weight, input, seed):
    if weight is None:
        return qnn.nn.Sequential(qnn.Linear(4, 3, seed=seed))
    last = qnn.QuantLinear(3, 3, weight=weight, seed=seed)
    return qnn.nn.Sequential(Rounding(4, 3, seed=seed), last)


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype(np.float32), rng.integers(0, 3, 60)
    found = qnn.compare(
        build, ((x[:40], y[:40]), (x[40:], y[40:])), weights=["symmetric"], activations=[None],
        bits=[2], seeds=2,
        epochs=1, executor=2, progress=False,
    )
    results = found.results.values()
    print("ran", len(results), "failed", len([r for r in results if not r.done]))
    print([r.reason for r in results])
"""


@pytest.mark.slow
def test_a_script_with_an_operation_of_its_own(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "ran 2 failed 0" in done.stdout, done.stdout + done.stderr


@pytest.fixture
def doubled() -> Iterator[Op]:
    yield op("test_doubled", lambda x: 2 * x, shape=lambda s: s, vjps=[lambda g, y, x: 2 * g])
    OPS.pop("test_doubled", None)
    RECEIVED.discard("test_doubled")


def test_where_it_is_declared_it_stays_itself(doubled: Op) -> None:
    assert cloudpickle.loads(cloudpickle.dumps(doubled)) is doubled
    assert copy.deepcopy(doubled) is copy.copy(doubled) is doubled


def test_where_it_is_not_declared_it_is_what_was_sent(doubled: Op) -> None:
    sent = cloudpickle.dumps(doubled)
    del OPS["test_doubled"]
    twin = cloudpickle.loads(sent)
    assert twin is OPS["test_doubled"]
    w = qnn.Parameter([3.0])
    twin(w).backward()
    assert (twin(w).item(), w.grad.item()) == (6, 2)
    # One that was edited since, and sent again, is not the old one.
    del OPS["test_doubled"]
    RECEIVED.clear()
    edited = op("test_doubled", lambda x: 3 * x, shape=lambda s: s, vjps=[lambda g, y, x: 3 * g])
    later = cloudpickle.dumps(edited)
    del OPS["test_doubled"]
    cloudpickle.loads(sent)
    assert cloudpickle.loads(later)(w).item() == 9
    # One that is declared here after all is taken.
    here = op("test_doubled", lambda x: 4 * x, shape=lambda s: s, vjps=[lambda g, y, x: 4 * g])
    assert cloudpickle.loads(sent) is here


def test_those_that_everybody_has_go_by_name() -> None:
    assert {"add", "linear", "quantized_product"} <= BUILT_IN
    assert pickle.loads(pickle.dumps(ops.add)) is ops.add
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ops.relu))([-1.0, 1.0]).data, [0, 1])
