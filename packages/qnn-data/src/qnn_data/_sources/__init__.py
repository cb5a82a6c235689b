"""Where data sets come from: a folder, the cache, mirrors, the package index."""
