# %% [markdown]
# # where_bits_are_lost
