"""How many threads kernels use: set for the process, or for a block."""

import threading
from collections.abc import Iterator

import pytest
import qnn_core as qnn
from qnn_core.errors import SpecError


@pytest.fixture(autouse=True)
def _three() -> Iterator[None]:
    before = qnn.get_num_threads()
    qnn.set_num_threads(3)
    yield
    qnn.set_num_threads(before)


def test_blocks_are_nested_and_end_however_they_end() -> None:
    with qnn.threads(1):
        assert qnn.get_num_threads() == 1
        with pytest.raises(ValueError, match=r"^2$"), qnn.threads(2):
            raise ValueError(qnn.get_num_threads())
        assert qnn.get_num_threads() == 1
    assert qnn.get_num_threads() == 3


def test_what_is_set_inside_lasts_until_the_end_of_the_block() -> None:
    with qnn.threads(1):
        qnn.set_num_threads(2)
        with qnn.threads(4):
            pass
        assert qnn.get_num_threads() == 2
    assert qnn.get_num_threads() == 3


def test_it_is_a_decorator_too() -> None:
    @qnn.threads(1)
    def counted() -> int:
        return qnn.get_num_threads()

    assert (counted(), counted(), qnn.get_num_threads()) == (1, 1, 3)


@pytest.mark.parametrize("count", [0, 1.5, "2", None, True])
def test_other_counts_are_refused_and_change_nothing(count: object) -> None:
    with pytest.raises(SpecError, match="threads"), qnn.threads(count):
        pytest.fail("it was entered")
    assert qnn.get_num_threads() == 3


def test_the_number_of_before_is_back_when_overlapping_blocks_have_ended() -> None:
    entered, ended = threading.Event(), threading.Event()

    def other() -> None:
        with qnn.threads(2):
            entered.set()
            ended.wait(10)

    thread = threading.Thread(target=other)
    with qnn.threads(1):
        thread.start()
        assert entered.wait(10)
        assert qnn.get_num_threads() == 2
    # This block was entered first and has ended first.
    assert qnn.get_num_threads() == 2
    ended.set()
    thread.join(10)
    assert qnn.get_num_threads() == 3
