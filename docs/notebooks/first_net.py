# %% [markdown]
# # A first net
#
# Train a network that tells handwritten digits apart, once in float and once with 2-bit weights
# and 4-bit inputs, and see what the difference is.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qnn_core as qnn
import qnn_data

train, test = qnn_data.load("mnist-mini")  # 6,000 and 1,000 images, bundled
print(train)

# %% [markdown]
# ## The data
#
# An image is 28 x 28 pixels. Taken by index or by a loader, it comes as a row of 784 `float32`
# numbers, shifted and scaled to mean 0 and standard deviation 1.

# %%
images, labels = test[:]
print(images.shape, images.dtype, labels[:8])

figure, axes = plt.subplots(1, 8, figsize=(8, 1.2))
for ax, image, label in zip(axes, test.images, labels, strict=False):
    ax.imshow(image, cmap="gray_r")
    ax.set_title(label, fontsize=9)
    ax.axis("off")

# %% [markdown]
# ## The net
#
# Three layers with batch normalization between them. `weight` and `input` name quantizers:
# `symmetric:2` has the levels -1, 0, 1 times a scale; `symmetric:4` has fifteen. Without them,
# the net is float. The seed fixes the initial weights, so both nets begin alike.


# %%
def net(weight=None, input=None):
    return qnn.MLP(
        [784, 128, 128, 10],
        weight=weight,
        input=input,
        activation="hardtanh",
        batch_norm=True,
        seed=0,
    )


models = {"float": net(), "2-bit weights": net("symmetric:2", "symmetric:4")}
print(qnn.summary(models["2-bit weights"], images[:1]))

# %% [markdown]
# ## A step by hand
#
# The loss says how wrong the scores are. Its gradient says for each weight which way is less
# wrong.

# %%
model = net()
loss = qnn.ops.softmax_cross_entropy(model(images[:100]), labels[:100])
weight = model[0].weight
(gradient,) = qnn.grad(loss, [weight])
print(f"loss {loss.item():.3f}, guessing has ln 10 = {np.log(10):.3f}")
print(f"gradient of shape {gradient.shape}, as the weight itself: {weight.shape}")

# %% [markdown]
# ## Training
#
# `fit` does this for batch after batch. Both nets see the same batches in the same order.

# %%
histories = {}
for name, model in models.items():
    batches = qnn_data.DataLoader(train, batch_size=100, shuffle=True, seed=0)
    optimizer = qnn.optim.Adam(
        model.parameters(), lr=2e-3, schedule=qnn.optim.Cosine(6 * len(batches))
    )
    histories[name] = qnn.fit(
        model, batches, epochs=6, optimizer=optimizer, validation=test, progress=False
    )
    print(f"{name:15} test accuracy {histories[name].last.val_accuracy:.1%}")

# %%
figure, ax = plt.subplots(figsize=(6, 3))
for name, history in histories.items():
    epochs = [e.epoch for e in history.epochs]
    ax.plot(epochs, [1 - e.val_accuracy for e in history.epochs], "o-", label=name)
ax.set_xlabel("epoch")
ax.set_ylabel("share of wrong answers")
ax.legend()
ax.grid(color="0.9")

# %% [markdown]
# One seed each: a difference of a point may be chance. [Comparing](comparing.py) says how to find
# out.
#
# ## Exercise
#
# Train the net at one bit: `binary` for weights and inputs. How many points does it lose, and why
# does it want `hardtanh` and not `relu`? (Look at the levels of `binary`.)

# %% tags=["hide-cell"]
binary = net("binary", "binary")
batches = qnn_data.DataLoader(train, batch_size=100, shuffle=True, seed=0)
qnn.fit(
    binary,
    batches,
    epochs=6,
    optimizer=qnn.optim.Adam(binary.parameters(), lr=2e-3),
    progress=False,
)
print(f"binary: {qnn.evaluate(binary, test).accuracy:.1%}")
print(f"levels of binary: {qnn.get_quantizer('binary').levels}; 0 counts as positive, so what")
print("comes from relu, which is never negative, would all have the code of +1.")
