"""Versions of this project as far as what is kept in a store depends on them."""

OURS = ("qnn-core", "qnn-quantizers", "qnn-data", "qnn-compare")


def release_of(distribution: str, version: str) -> str:
    """Return the release that a version of ours leads to, and any other version as it is.

    Between releases a version counts commits, most of which change no number: what does is told by
    digests of code.

    Example:
        >>> release_of("qnn-core", "0.2.0.dev17+g1a2b3c4"), release_of("numpy", "2.4.0.dev0")
        ('0.2.0', '2.4.0.dev0')
    """
    return version.partition("+")[0].partition(".dev")[0] if distribution in OURS else version
