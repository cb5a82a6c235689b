# %% [markdown]
# # What quantization does to a weight
#
# A quantized layer trains a float weight, the *latent* one, and computes with integers in its
# place. This notebook takes one weight apart: levels, codes, scale, and the error that rounding
# and clipping make.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qnn_core as qnn

rng = np.random.default_rng(0)
w = rng.normal(scale=0.05, size=10_000).astype(np.float32)

# %% [markdown]
# ## Levels, codes, scale
#
# A scheme has *levels*: `symmetric:2` has -1, 0 and 1. A weight goes to the nearest level in
# units of a scale *s*; the number of that level is its *code*. Codes are what is stored, two bits
# each, four to a byte.
#
#     u = w / s          code = the nearest level's number          value = s * levels[code]

# %%
coded = qnn.encode(w, "symmetric:2")
print("levels", coded.levels, "scale", coded.scale)
print("w     ", w[:6].round(3))
print("codes ", coded.codes[:6])
print("values", coded.decode()[:6].round(3))
print(f"{w.nbytes:,} bytes in float32, {coded.nbytes:,} as codes")

# %% [markdown]
# Decoding gives `levels[code] * scale` to the last bit. That is what the deployed net computes
# with, and what training computes with too:

# %%
trained_with = qnn.ops.fake_quantize(w, coded.scale, quantizer="symmetric:2").data
print(np.abs(trained_with - coded.decode()).max())

# %% [markdown]
# ## Where the scale comes from
#
# A small scale clips the tails, a large one rounds coarsely. The calibration `mse` looks for the
# least squared error; `absmax` clips nothing.

# %%
scales = np.linspace(0.005, 0.2, 80)


def error(spec, scale):
    values = qnn.ops.fake_quantize(w, scale, quantizer=spec).data
    return np.square(values - w).mean() / np.square(w).mean()


figure, ax = plt.subplots(figsize=(6, 3))
for spec in ("symmetric:2", "symmetric:3", "symmetric:4"):
    (line,) = ax.plot(scales, [error(spec, scale) for scale in scales], label=spec)
    for calibration, mark in (("mse", "o"), ("absmax", "x")):
        found = qnn.encode(w, f"{spec},calibration={calibration}").scale
        ax.plot(found, error(spec, found), mark, color=line.get_color())
ax.set_xlabel("scale")
ax.set_ylabel("squared error / signal")
ax.set_xlim(0, 0.21)
ax.set_ylim(0, 1)
ax.set_title("circles: mse; crosses: absmax")
ax.legend()
ax.grid(color="0.9")

# %% [markdown]
# ## What is left of the distribution

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), sharex=True)
for ax, spec in zip(axes, ("symmetric:2", "symmetric:4", "logarithmic:4"), strict=True):
    coded = qnn.encode(w, spec)
    ax.hist(w, bins=80, color="0.8")
    values, counts = np.unique(coded.decode(), return_counts=True)
    ax.vlines(values, 0, counts / counts.max() * ax.get_ylim()[1], color="#0072b2")
    ax.set_title(spec)
    ax.set_yticks([])

# %% [markdown]
# Grey: the latent weights; blue: the levels that stand for them, by how many use each. Powers of
# two are dense where weights are; even steps reach further.
#
# ## Under the microscope
#
# `qnn.show` shows this of a layer of a net, and more: how often each code occurs, where the
# gradient passes, and how many codes a step of training would change.

# %%
layer = qnn.QuantLinear(100, 100, weight="symmetric:3", seed=0)
qnn.show(layer)

# %% [markdown]
# Layers, codes, schemes, models and histories also show themselves, as the last line of a cell:

# %%
layer.coded()

# %% [markdown]
# ## Exercise
#
# Real weights have outliers. Make one weight 20 times as large as the standard deviation. What do
# `absmax` and `mse` make of the 3-bit error of all the others, and what does a scale for each
# channel (`axis=0`) do about it?

# %% tags=["hide-cell"]
spoiled = w.reshape(100, 100).copy()
spoiled[0, 0] = 1.0
others = np.ones(spoiled.shape, bool)
others[0, 0] = False
for options in ("calibration=absmax", "calibration=mse", "calibration=absmax,axis=0"):
    values = qnn.encode(spoiled, f"symmetric:3,{options}").decode()
    share = np.square(values - spoiled)[others].mean() / np.square(spoiled)[others].mean()
    print(f"{options:26} error of the others {share:.1%}")
print("absmax stretches all levels to the outlier, so all others become 0; mse clips it; a scale")
print("for each channel keeps the harm to one row.")
