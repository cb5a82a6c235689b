# %% [markdown]
# # Deploying
#
# Pack a trained net: integers and thresholds in a file that needs neither the model's code nor
# the quantizers, and answers as the trained net does, to the last bit. Then the same as C for a
# microcontroller.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import qnn_core as qnn
import qnn_data

train, test = qnn_data.load("mnist-mini")
images, labels = test[:]
specs = {"weight": "symmetric:2", "input": "uniform:2", "first_input": "uniform:8"}
ends = {"last_weight": "symmetric:4", "last_input": "uniform:4"}
model = qnn.MLP([784, 32, 10], **specs, **ends, batch_norm=True, seed=0)
batches = qnn_data.DataLoader(train, batch_size=100, shuffle=True, seed=0)
optimizer = qnn.optim.Adam(model.parameters(), lr=2e-3)
qnn.fit(model, batches, epochs=5, optimizer=optimizer, progress=False)
print(f"trained: {qnn.evaluate(model, test).accuracy:.1%}")

# %% [markdown]
# ## Packed
#
# `pack` traces the net, turns quantizers into codes and chains of operations into integer
# thresholds, and checks every value against the traced run.

# %%
packed = qnn.pack(model, images[:100])
print(packed.summary())
print(f"difference: {np.abs(packed(images) - model(images).data).max()}")

# %% [markdown]
# ## A file

# %%
folder = Path("deployed")
folder.mkdir(exist_ok=True)
packed.save(folder / "digits.qnn")
deployed = qnn.load(folder / "digits.qnn")
answers = deployed.predict(images)
size = (folder / "digits.qnn").stat().st_size
print(f"{size:,} bytes; {np.mean(answers == labels):.1%} right")

figure, axes = plt.subplots(1, 8, figsize=(8, 1.3))
wrong = np.flatnonzero(answers != labels)[:8]
for ax, n in zip(axes, wrong, strict=False):
    ax.imshow(test.images[n], cmap="gray_r")
    ax.set_title(f"{labels[n]}, taken for {answers[n]}", fontsize=7)
    ax.axis("off")

# %% [markdown]
# ## C
#
# `export_c` writes C99 that needs `stdint.h` and nothing else. Before a file is written, it is
# shown that every sum that can occur gets the packed model's code, and the C is run here on
# samples.

# %%
exported = packed.export_c(
    folder / "digits", name="digits", transform=train.transform, samples=test.images[:50]
)
print(exported)

# %% [markdown]
# ## Exercise
#
# Write the packed net with 1-bit weights. What becomes of the flash, and of the accuracy?

# %% tags=["hide-cell"]
small = qnn.MLP([784, 32, 10], **specs | {"weight": "binary"}, **ends, batch_norm=True, seed=0)
optimizer = qnn.optim.Adam(small.parameters(), lr=2e-3)
qnn.fit(small, batches, epochs=5, optimizer=optimizer, progress=False)
small_packed = qnn.pack(small.eval(), images[:100])
print(f"accuracy {qnn.evaluate(small_packed, test).accuracy:.1%}, {small_packed.nbytes:,} bytes")
print(f"2 bits were {packed.nbytes:,} bytes")
