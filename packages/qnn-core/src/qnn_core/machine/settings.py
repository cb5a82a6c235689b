"""What every kernel is called with first."""

from . import cpu, threads


def kernel_settings() -> tuple[int, int]:
    """Return the number of the kernel path and the number of threads.

    It reads both where they are kept: a small step calls a dozen kernels.

    Raises:
        SpecError: at the first use, if ``QNN_CPU`` or ``QNN_NUM_THREADS`` has no meaning.
    """
    path, count = cpu.State.index, threads.State.count
    if path is None or count is None:
        return cpu.active_index(), threads.get_num_threads()
    return path, count
