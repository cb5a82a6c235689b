"""The memory of a program: planned once, taken when it runs, let go of while it rests."""

import math
from typing import Any

import numpy as np

from .._kernels import instruction as kernel
from ..autodiff.tensor import Tensor
from ..machine import empty


class Arrays:
    """What lies in which memory.

    Attributes:
        own: the id of each array that a slot has for itself; empty while there is none.
    """

    def __init__(self) -> None:
        self.own: set[int] = set()
        # Slots with an array for themselves, each with the tensor that has it too.
        self._alone: dict[kernel.Slot, Tensor] = {}
        # Slots with a block that others have before or after: its number.
        self._shared: dict[kernel.Slot, int] = {}
        # How many numbers a block holds, and which are free where planning has come.
        self._sizes: list[int] = []
        self._free: list[int] = []
        self._resting = True

    def alone(self, slot: kernel.Slot, tensor: Tensor) -> None:
        """Plan an array for a slot and a tensor."""
        self._alone[slot] = tensor

    def share(self, slot: kernel.Slot) -> None:
        """Plan a slot in the smallest block that is large enough and free, until given back."""
        size = math.prod(slot.shape)
        fitting = [block for block in self._free if self._sizes[block] >= size]
        if fitting:
            block = min(fitting, key=lambda n: self._sizes[n])
            self._free.remove(block)
        else:
            block = len(self._sizes)
            self._sizes.append(size)
        self._shared[slot] = block

    def give_back(self, slot: kernel.Slot) -> None:
        """Let slots that are planned from now on have a slot's block: nobody reads it any more."""
        self._free.append(self._shared[slot])

    def take(self) -> None:
        """Put float32 arrays into the slots, unless they are there."""
        if not self._resting:
            return
        for slot, tensor in self._alone.items():
            slot.put(empty(slot.shape, np.float32))
            tensor.array = slot.array
        self.own = {id(slot.array) for slot in self._alone}
        blocks = [empty((size,), np.float32) for size in self._sizes]
        for slot, number in self._shared.items():
            slot.put(blocks[number][: math.prod(slot.shape)].reshape(slot.shape))
        self._resting = False

    def rest(self) -> None:
        """Let go of all arrays."""
        # First: whatever interrupts this, all are taken anew.
        self._resting = True
        nothing: Any = None
        for slot, tensor in self._alone.items():
            slot.drop()
            tensor.array = nothing
        for slot in self._shared:
            slot.drop()
        self.own = set()
