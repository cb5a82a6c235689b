# %% [markdown]
# # deploying
