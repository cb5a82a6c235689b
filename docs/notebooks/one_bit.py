# %% [markdown]
# # One bit
#
# With weights and inputs of one bit, -1 and +1, a product is an XNOR and a sum is a count of
# bits. This notebook trains such a net, checks that count by hand, and looks at what it costs.

# %%
import matplotlib.pyplot as plt
import numpy as np
import qnn_core as qnn
import qnn_data

train, test = qnn_data.load("mnist-mini")
images, labels = test[:]
specs = {"weight": "binary", "input": "binary", "last_weight": "binary", "last_input": "binary"}
model = qnn.MLP([784, 256, 256, 10], **specs, activation="hardtanh", batch_norm=True, seed=0)

# %% [markdown]
# Latent weights are floats of which only the sign counts. `hardtanh` between the layers keeps
# activations within -1..1, where the gradient passes.

# %%
batches = qnn_data.DataLoader(train, batch_size=100, shuffle=True, seed=0)
optimizer = qnn.optim.Adam(model.parameters(), lr=2e-3, schedule=qnn.optim.Cosine(8 * len(batches)))
history = qnn.fit(model, batches, epochs=8, optimizer=optimizer, validation=test, progress=False)
print(f"test accuracy {history.last.val_accuracy:.1%}")

# %% [markdown]
# ## A product is a count
#
# For codes 0 and 1 that stand for -1 and +1, the sum of products over K elements is `K - 2 *
# (number of codes that differ)`: XOR and a population count.

# %%
layer = model[0]
weight = layer.coded()
pixels = layer.input_quantizer.encode(images[:1])
differ = np.count_nonzero(weight.codes != pixels.codes, axis=1)
counted = 784 - 2 * differ
multiplied = weight.levels[weight.codes] @ pixels.levels[pixels.codes][0]
print("by counting  ", counted[:8])
print("by products  ", multiplied[:8].astype(int))
print("equal:", np.array_equal(counted, multiplied))

# %% [markdown]
# ## What a neuron looks for
#
# A row of the first layer, bit by bit, as an image: a pixel where the bit is +1, which is black
# here, votes for the neuron if it is inked.

# %%
figure, axes = plt.subplots(1, 6, figsize=(9, 1.7))
for ax, row in zip(axes, weight.codes, strict=False):
    ax.imshow(row.reshape(28, 28), cmap="gray_r")
    ax.axis("off")

# %% [markdown]
# ## What it costs
#
# Packed, the layers are bits and integer thresholds: batch normalization, hardtanh and the next
# sign are one comparison of the count.

# %%
packed = qnn.pack(model, images[:10])
print(packed.summary())
print(f"difference from the trained net: {np.abs(packed(images) - model(images).data).max()}")

# %% [markdown]
# ## Exercise
#
# Make the hidden layers twice as wide. Does the binary net reach the accuracy of a float net of
# 256 units (about 94.5 %), and which of the two files is smaller?

# %% tags=["hide-cell"]
wide = qnn.MLP([784, 512, 512, 10], **specs, activation="hardtanh", batch_norm=True, seed=0)
optimizer = qnn.optim.Adam(wide.parameters(), lr=2e-3, schedule=qnn.optim.Cosine(8 * len(batches)))
qnn.fit(wide, batches, epochs=8, optimizer=optimizer, progress=False)
float_net = qnn.MLP([784, 256, 256, 10], activation="hardtanh", batch_norm=True, seed=0)
for name, net in (("binary, 512 wide", wide), ("float, 256 wide, untrained", float_net)):
    print(f"{name:27} {qnn.pack(net.eval(), images[:10]).nbytes:>9,} bytes")
print(f"binary, 512 wide: {qnn.evaluate(wide, test).accuracy:.1%}; float stays some points better,")
print("in a file ten times as large.")
