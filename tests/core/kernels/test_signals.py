"""A kernel that is called for long lets signal handlers run, and ends where one raises."""

import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core._kernels import engine, memory, pooling
from qnn_core.machine import cpu

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no interval timers"
)

# So many rows or images take years: a call that goes on until its end would never come back.
YEARS = 2**50


class Interrupt(Exception):
    """What the handler raises here: Ctrl-C would end the tests."""


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    def handler(*_: Any) -> None:
        raise Interrupt

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_program_ends(threads: int) -> None:
    # Strides of 0: all rows are one.
    program = engine.Program(cpu.active_index(), [0, 0], 1)
    program.layout(0, 1, 64, engine.Requantizer(format="uint8", bits=8, count=0))
    x, y = np.zeros(64, np.uint8), np.zeros(64, np.uint8)
    with pytest.raises(Interrupt):
        program.run(x, y, 0, YEARS, threads)
    x[:] = 7
    program.run(x, y, 0, 3, threads)  # and the buffers, and the pool, are free
    np.testing.assert_array_equal(y, 7)


@pytest.mark.parametrize("threads", [1, 2])
def test_tasks_of_the_pool_end(threads: int) -> None:
    # An image of no bytes' distance to the next: all images are one.
    x, y = np.ones((1, 2, 2, 1), np.float32), np.zeros((1, 1, 1, 1), np.float32)
    geometry = (2, 2, 1, 1, 1, 2, 2, 2, 2, 0, 0)
    with pytest.raises(Interrupt):
        pooling.mean(cpu.active_index(), threads, geometry, YEARS, x, y)
    y[:] = 0
    pooling.mean(cpu.active_index(), threads, geometry, 1, x, y)
    assert y.item() == 1


def test_kernels_run_inside_of_a_handler() -> None:
    """A handler may use kernels itself, between two slices of the one it interrupts."""
    found: list[Any] = []

    def handler(*_: Any) -> None:
        a = np.ones((200, 300), np.float32)
        found.append((qnn.Tensor(a) @ qnn.Tensor(a.T)).data)
        raise Interrupt

    signal.signal(signal.SIGALRM, handler)
    program = engine.Program(cpu.active_index(), [0, 0], 1)
    program.layout(0, 1, 64, engine.Requantizer(format="uint8", bits=8, count=0))
    x, y = np.zeros(64, np.uint8), np.zeros(64, np.uint8)
    with pytest.raises(Interrupt):
        program.run(x, y, 0, YEARS, 2)
    np.testing.assert_array_equal(found[0], np.full((200, 200), 300))


def test_memory_is_given_back() -> None:
    kept = memory.kept_bytes()
    program = engine.Program(cpu.active_index(), [0, 0, 1024], 2)
    decision = engine.Requantizer(format="uint8", bits=8, count=0)
    program.layout(0, 2, 64, decision)
    program.layout(2, 1, 64, decision)
    x, y = np.zeros(64, np.uint8), np.zeros(64, np.uint8)
    with pytest.raises(Interrupt):
        program.run(x, y, 0, YEARS, 2)
    assert memory.kept_bytes() == kept
