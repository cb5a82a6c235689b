# %% [markdown]
# # first_net
