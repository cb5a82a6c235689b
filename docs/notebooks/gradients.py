# %% [markdown]
# # Gradients through a staircase
#
# A quantizer is a staircase: its derivative is 0 almost everywhere, so gradient descent would
# stand still. The *straight-through estimator* puts another derivative in its place. This
# notebook shows which, and trains with it.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qnn_core as qnn

x = np.linspace(-2.2, 2.2, 601, dtype=np.float32)


def value_and_gradient(spec, x, scale=1.0):
    given = qnn.Tensor(x, requires_grad=True)
    values = qnn.ops.fake_quantize(given, scale, quantizer=spec)
    (gradient,) = qnn.grad(values.sum(), [given])
    return values.data, gradient.data


# %% [markdown]
# ## The staircase, and what stands for its slope
#
# By default (`ste=clip`) the gradient passes where x lies in the range of the levels, and is 0
# outside: what is clipped should not go further out. Others let everything pass, or more in the
# middle.

# %%
figure, axes = plt.subplots(2, 4, figsize=(10, 4), sharex=True, sharey="row")
for column, ste in enumerate(("clip", "identity", "triangle", "swish")):
    values, gradient = value_and_gradient(f"binary:ste={ste}", x)
    axes[0, column].plot(x, values)
    axes[0, column].set_title(f"binary, ste={ste}")
    axes[1, column].plot(x, gradient, color="#d55e00")
axes[0, 0].set_ylabel("value")
axes[1, 0].set_ylabel("gradient")
figure.align_ylabels()

# %% [markdown]
# ## The gradient of the scale
#
# The scale is trained too. With u = x / s, its gradient is `level - u` inside the range and
# `level` outside (LSQ): a rounding that went up pulls the scale one way, one that went down the
# other way, and what is clipped wants it larger.

# %%
scale = qnn.Parameter(1.0)
by_element = [
    float(qnn.grad(qnn.ops.fake_quantize([u], scale, quantizer="symmetric:3").sum(), [scale])[0])
    for u in np.linspace(-5, 5, 201, dtype=np.float32)
]
figure, ax = plt.subplots(figsize=(6, 2.6))
ax.plot(np.linspace(-5, 5, 201), by_element, color="#d55e00")
ax.set_xlabel("x / scale")
ax.set_ylabel("d value / d scale")
ax.grid(color="0.9")

# %% [markdown]
# ## Descent over a staircase
#
# One weight, two bits, a loss that is least at 0.8. The levels are -1, 0, 1: the best value that
# there is is 1. The latent weight moves by the gradient of the *value*; the value jumps when the
# latent weight crosses a threshold.

# %%
latent = qnn.Parameter([-0.9])
optimizer = qnn.optim.SGD([latent], lr=0.05)
path = []
for _ in range(60):
    value = qnn.ops.fake_quantize(latent, 1.0, quantizer="symmetric:2")
    loss = ((value - 0.8) ** 2).sum()
    optimizer.zero_grad()
    loss.backward()
    path.append((latent.data[0], value.data[0]))
    optimizer.step()

figure, ax = plt.subplots(figsize=(6, 3))
ax.plot(path, label=["latent weight", "value"])
ax.axhline(0.8, color="0.7", ls=":")
ax.set_xlabel("step")
ax.legend()
ax.grid(color="0.9")

# %% [markdown]
# The value reaches 1, then pulls the latent weight back below its threshold, and on it goes: with
# a constant learning rate it swings between the two levels around the best number, which no level
# is. A falling learning rate ends that.
#
# ## Exercise
#
# Do it again with `Cosine(60)` as the schedule, and with `ste=identity` and a start at -3. What
# becomes of the latent weight that starts outside the range with `ste=clip`?

# %% tags=["hide-cell"]
for start, ste in ((-0.9, "clip"), (-3.0, "identity"), (-3.0, "clip")):
    latent = qnn.Parameter([start])
    optimizer = qnn.optim.SGD([latent], lr=0.05, schedule=qnn.optim.Cosine(60))
    for _ in range(60):
        value = qnn.ops.fake_quantize(latent, 1.0, quantizer=f"symmetric:2,ste={ste}")
        loss = ((value - 0.8) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"from {start} with {ste:8}: latent {latent.data[0]:+.2f}, value {value.data[0]:+.0f}")
print("With clip, a weight outside gets no gradient: it never comes back. That is why scales are")
print("fitted to the weights before training, and why BinaryConnect keeps them within -1..1.")
