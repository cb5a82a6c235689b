# %% [markdown]
# # a_weight
