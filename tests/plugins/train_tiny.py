"""Train, code, summarize and pack a model with the quantizer that is named: TRAINED at the end."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import qnn_core as qnn

spec = sys.argv[1]
rng = np.random.default_rng(0)
x = rng.normal(size=(200, 4)).astype(np.float32)
batches = [(x[n : n + 50], (x[n : n + 50, 0] > 0).astype(int)) for n in range(0, 200, 50)]
model = qnn.MLP([4, 16, 2], weight=spec, input=spec, seed=0)
optimizer = qnn.optim.Adam(model.parameters(), lr=0.02)
history = qnn.fit(model, batches, epochs=15, optimizer=optimizer)
layer = model[0]
coded = layer.coded()
exact = np.array_equal(coded.decode(), layer.weight_quantizer(layer.weight).data)
bits = qnn.summary(model, x[:1]).rows[0].weight_bits
print(f"accuracy {history.last.accuracy:.2f}, exact {exact}, bits {bits}")
assert history.last.accuracy > 0.85
assert exact

# The file runs where no distribution of quantizers can be imported, and gives the same bits.
ALONE = """
import sys
from importlib.metadata import entry_points
for point in entry_points(group="qnn.quantizers"):
    sys.modules[point.module.partition(".")[0]] = None
import numpy as np
import qnn_core as qnn
folder = sys.argv[1]
np.save(f"{folder}/y.npy", qnn.load(f"{folder}/model.qnn")(np.load(f"{folder}/x.npy")))
"""
packed = qnn.pack(model, x)
expected = model.eval()(x).data
assert np.array_equal(packed(x), expected)
with tempfile.TemporaryDirectory() as folder:
    packed.save(Path(folder) / "model.qnn")
    np.save(Path(folder) / "x.npy", x)
    subprocess.run([sys.executable, "-c", ALONE, folder], check=True)
    assert np.array_equal(np.load(Path(folder) / "y.npy"), expected)
print("TRAINED")
