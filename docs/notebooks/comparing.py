# %% [markdown]
# # comparing
