# %% [markdown]
# # one_bit
