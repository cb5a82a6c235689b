"""The errors of qnn_data."""


class DataError(RuntimeError):
    """Data that cannot be had: no source has it, or a file is not what it should be.

    The message names each place that was tried, what was wrong there, and what to do.

    Example:
        >>> issubclass(ChecksumError, DataError)  # one `except` does for both
        True
    """


class ChecksumError(DataError):
    """A file whose content is not the published one; names file, expected and found hash.

    Example:
        >>> raise ChecksumError("train-images: sha256 is 00..., the published file has 44...")
        Traceback (most recent call last):
            ...
        qnn_data.errors.ChecksumError: train-images: sha256 is 00..., the published file has 44...
    """


class IdxError(ValueError):
    """Bytes that are not a whole, well-formed IDX file, or an array that IDX cannot hold.

    The message says which file, what was found and what was expected.

    Example:
        >>> from qnn_data import decode_idx
        >>> decode_idx(b"no IDX")
        Traceback (most recent call last):
            ...
        qnn_data.errors.IdxError: ...
    """
