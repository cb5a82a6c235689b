"""What programs are made of: slots, and instructions that read and write them."""

from typing import Any

import pytest
from qnn_core._kernels.instruction import Instruction, Renew, Slot, carry_back, carry_out


def test_a_slot_gives_up_an_array_that_somebody_else_has() -> None:
    slot = Slot((3,), read=True)
    slot.renew()
    before = id(slot.array)
    slot.renew()
    assert id(slot.array) == before
    mine = slot.array
    slot.renew()
    assert slot.array is not mine
    part = slot.array[1:]
    slot.renew()
    assert slot.array is not part.base


def test_instructions_of_python_are_carried_out_too() -> None:
    class Noted(Instruction):
        def forward(self, path: int, threads: int) -> int:
            done.append(("forward", path, threads))
            return 0

        def backward(self, path: int, threads: int) -> int:
            done.append(("backward", path, threads))
            return 0

    done: list[Any] = []
    renew = Renew()
    renew.output = Slot((2,), read=True)
    carry_out([Noted()], 1, 2)
    carry_back([renew, Noted()], 3, 4)
    assert done == [("forward", 1, 2), ("backward", 3, 4)]
    assert renew.output.array.shape == (2,)


def test_what_an_instruction_does_not_do_it_says() -> None:
    with pytest.raises(NotImplementedError):
        carry_out([Instruction()], 0, 1)
