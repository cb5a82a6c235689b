# %% [markdown]
# # Comparing
#
# Is 2 bits worse than float? Two numbers do not say: each is one seed's. A *comparison* trains
# every net from several seeds, paired, and says what the differences are worth.

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import qnn_core as qnn
import qnn_data
from qnn_compare import compare
from qnn_compare.statistics import against

train, test = qnn_data.load("mnist-mini")
data = train.subset(slice(3000)), test  # half of it: this page is to be done in half a minute

# %% [markdown]
# ## Three widths, four seeds
#
# For a seed, all nets begin with the same weights and see the same batches, so what a seed does
# to all of them cancels. The margin is named beforehand: a point of accuracy is what matters
# here.

# %%
net = partial(qnn.MLP, [784, 64, 10], batch_norm=True)
comparison = compare(
    net,
    data,
    weights=["symmetric"],
    bits=[2, 3, 4, 32],
    seeds=4,
    epochs=4,
    lr=2e-3,
    margin=0.01,
    executor=1,
    progress=False,
)
print(comparison)

# %% [markdown]
# ## What a verdict rests on
#
# Not on four numbers: each run is a thousand answers. The interval is that of the difference
# against float, over other seeds; *new samples* says whether the verdict holds for other test
# samples too.

# %%
pairs = comparison.against("float")
figure, ax = plt.subplots(figsize=(6, 2.6))
ax.axvspan(-1, 1, color="0.92")
for y, pair in enumerate(pairs):
    ax.plot([100 * pair.low, 100 * pair.high], [y, y], color="#0072b2")
    ax.plot(100 * pair.difference, y, "o", color="#0072b2")
ax.set_yticks(range(len(pairs)), [f"{pair.config}: {pair.verdict}" for pair in pairs])
ax.axvline(0, color="0.5", lw=0.8)
ax.set_xlabel("points against float; grey: within the margin")
ax.grid(color="0.9")

# %% [markdown]
# ## The same for anybody's results
#
# `qnn_compare.statistics` takes names and arrays: which test samples each run of each net had
# right. So results of any framework get the same verdicts.

# %%
rng = np.random.default_rng(0)
hard = rng.random(10_000) ** 20  # the probability that a sample is answered wrongly


def runs(lost):
    return {seed: rng.random(10_000) >= hard + lost for seed in range(4)}


for pair in against({"mine": runs(0), "theirs": runs(0), "smaller": runs(0.01)}, "mine"):
    print(f"{pair.config:8} {pair.verdict:11} {100 * pair.difference:+.2f} points")

# %% [markdown]
# ## Exercise
#
# An *undecided* difference says what would decide it. Simulate two nets of which one loses 0.3
# points, with 500 test samples and three seeds. What does it take?

# %% tags=["hide-cell"]
few = 500
hard = rng.random(few) ** 8


def short_runs(lost):
    return {seed: rng.random(few) >= hard + lost for seed in range(3)}


(pair,) = against({"float": short_runs(0), "small": short_runs(0.003)}, "float")
print(pair.verdict, "-", pair.needs or "decided by chance: draw again with another seed")
