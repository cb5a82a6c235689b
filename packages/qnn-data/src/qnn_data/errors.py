"""The errors of qnn_data."""


class DataError(RuntimeError):
    """Data that cannot be had: no source has it, or a file is not what it should be.

    The message names each place that was tried, what was wrong there, and what to do.
    """


class ChecksumError(DataError):
    """A file whose content is not the published one; names file, expected and found hash."""


class IdxError(ValueError):
    """Bytes that are not a whole, well-formed IDX file, or an array that IDX cannot hold.

    The message says which file, what was found and what was expected.
    """
