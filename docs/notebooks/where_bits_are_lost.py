# %% [markdown]
# # Where bits are lost
#
# A trained net, quantized without training: how far down does it go, which quantizer is to blame,
# and which layers deserve the bits?

# %%
import matplotlib.pyplot as plt
import qnn_core as qnn
import qnn_data

train, test = qnn_data.load("mnist-mini")
images = train[:500][0]
model = qnn.MLP([784, 128, 128, 10], batch_norm=True, seed=0)
optimizer = qnn.optim.Adam(model.parameters(), lr=1e-3)
qnn.fit(model, train, epochs=5, optimizer=optimizer, progress=False)
print(f"float {qnn.evaluate(model, test).accuracy:.1%}")

# %% [markdown]
# ## Fewer and fewer bits
#
# `qnn.quantize` puts quantizers in place and fits their ranges: of weights to themselves, of
# inputs to 500 images.


# %%
def quantized(bits, **options):
    specs = {"weight": f"symmetric:{bits},axis=0", "input": f"uniform:{bits}"}
    return qnn.quantize(model, **specs | options, calibration=images)


widths = (8, 6, 5, 4, 3, 2)
accuracies = [qnn.evaluate(quantized(bits), test).accuracy for bits in widths]
figure, ax = plt.subplots(figsize=(6, 3))
ax.plot(widths, [100 * accuracy for accuracy in accuracies], "o-")
ax.set_xlabel("bits of weights and inputs")
ax.set_ylabel("test accuracy (%)")
ax.grid(color="0.9")

# %% [markdown]
# ## Which quantizer is to blame
#
# `anatomy` measures each: what rounding and clipping did to its data, and what it costs *alone*,
# in a net that is float but for it, and *among* the others.

# %%
anatomy = qnn.anatomy(quantized(2), test)
print(anatomy)

# %%
rows = anatomy.rows
figure, ax = plt.subplots(figsize=(6, 3))
names = [f"{row.layer} {row.kind}" for row in rows]
ax.barh(names, [100 * row.clipping / row.signal for row in rows], label="clipping")
ax.barh(
    names,
    [100 * row.rounding / row.signal for row in rows],
    left=[100 * row.clipping / row.signal for row in rows],
    label="rounding",
)
ax.set_xlabel("squared error, % of the signal")
ax.invert_yaxis()
ax.legend()
ax.grid(color="0.9")

# %% [markdown]
# The pixels cost most: the two bits that err least in the sense of squares clip the background,
# all of it in one direction, and that adds up in a sum. Pixels are 8 bits anyway:

# %%
better = quantized(2, first_input="uniform:8")
print(f"2 bits, pixels of 8: {qnn.evaluate(better, test).accuracy:.1%}")

# %% [markdown]
# ## Which layers deserve the bits
#
# Of all choices of bits for each layer whose *file* fits a budget, `allocate` finds the one with
# the least predicted rise of the loss, exactly.

# %%
start = quantized(
    4, first_input="uniform:8", last_weight="symmetric:4,axis=0", last_input="uniform:4"
)
found = qnn.allocate(start, train[:1000], budget=45_000, bits=(2, 3, 4, 8))
print(found)
print(f"allocated: {found.nbytes:,} bytes, {qnn.evaluate(found.model, test).accuracy:.1%}")

# %% [markdown]
# ## Exercise
#
# Two epochs of training with the 2-bit quantizers in place: how much of the loss do they win
# back?

# %% tags=["hide-cell"]
tuned = quantized(2, first_input="uniform:8")
before = qnn.evaluate(tuned, test).accuracy
optimizer = qnn.optim.Adam(tuned.parameters(), lr=5e-4)
qnn.fit(tuned, train, epochs=2, optimizer=optimizer, progress=False)
print(f"before {before:.1%}, after two epochs {qnn.evaluate(tuned, test).accuracy:.1%}")
