# %% [markdown]
# # gradients
