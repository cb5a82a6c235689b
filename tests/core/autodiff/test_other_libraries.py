"""Tensors and arrays of other libraries: DLPack both ways, and what is refused."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Parameter, Tensor
from qnn_core.errors import DeviceError, DtypeError, GraphError, ShapeError


class Foreign:
    """What knows DLPack, and nothing of NumPy."""

    def __init__(self, array: Any, device: tuple[int, int] = (1, 0)) -> None:
        self.array, self.device = array, device

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device

    def __dlpack__(self, **how: Any) -> Any:
        return self.array.__dlpack__(**how)


def test_a_tensor_is_made_of_whatever_knows_dlpack() -> None:
    array = np.float32([1, 2])
    for made in (Tensor(Foreign(array)), qnn.from_dlpack(Foreign(array))):
        assert np.shares_memory(made.data, array)
    doubles = np.array([1.0, 2.0])
    assert Tensor(Foreign(doubles)).dtype == np.float32
    assert qnn.from_dlpack(Foreign(doubles)).dtype == np.float64
    assert Tensor(Foreign(np.arange(3))).tolist() == [0, 1, 2]
    assert not np.shares_memory(Parameter(Foreign(array)).data, array)
    assert (Tensor([1.0, 1.0]) + Foreign(array)).tolist() == [2, 3]


def test_a_write_of_the_other_library_after_an_operation_read_it_is_an_error() -> None:
    array = np.float32([1, 2])
    x, w = qnn.from_dlpack(array), Parameter([3.0, 4.0])
    y = (x * w).sum()
    array[0] = 7
    with pytest.raises(GraphError, match="multiply"):
        y.backward()


def test_what_cannot_be_taken_is_refused_by_name() -> None:
    for make in (Tensor, qnn.from_dlpack):
        with pytest.raises(DeviceError, match=r"Foreign is on CUDA.*x\.cpu\(\)"):
            make(Foreign(None, (2, 0)))
        with pytest.raises(DtypeError, match="complex64"):
            make(Foreign(np.complex64([1])))
        with pytest.raises(DtypeError, match=r"no array can be made of this .*Foreign"):
            make(Foreign(object()))
    with pytest.raises(DtypeError, match=r"not int64; qnn_core\.Tensor converts"):
        qnn.from_dlpack(np.arange(3))
    with pytest.raises(DtypeError, match="a list has no __dlpack__"):
        qnn.from_dlpack([1.0])
    with pytest.raises(GraphError, match="requires a gradient"):
        qnn.from_dlpack(Parameter([1.0]))


def test_numbers_of_one_element_are_formatted() -> None:
    x = Tensor([[2.5]])
    assert f"{x:.2f}" == "2.50"
    assert f"{x}" == str(x) == "Tensor([[2.5]])"
    with pytest.raises(ShapeError, match="one element"):
        f"{Tensor([1.0, 2.0]):.2f}"


def test_pytorch_takes_tensors() -> None:
    torch = pytest.importorskip("torch")
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    for take in (torch.from_dlpack, torch.as_tensor):
        assert take(x).data_ptr() == x.data.ctypes.data
        assert take(x).tolist() == x.tolist()
        with pytest.raises(GraphError, match=r"requires a gradient.*\.detach\(\)"):
            take(Parameter([1.0]))
        assert take(Parameter([1.0]).detach()).tolist() == [1]
    assert torch.tensor(x).tolist() == x.tolist()


def test_tensors_of_pytorch_are_taken() -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.tensor([1.0, 2.0])
    for make in (Tensor, qnn.from_dlpack):
        assert make(theirs).data.ctypes.data == theirs.data_ptr()
        with pytest.raises(GraphError, match=r"torch.* requires a gradient.*\.detach\(\)"):
            make(theirs.clone().requires_grad_())
        with pytest.raises(DtypeError, match="no array can be made of this torch"):
            make(theirs.to(torch.bfloat16))
        with pytest.raises((DeviceError, DtypeError), match="torch"):
            make(torch.empty(2, device="meta"))
    assert Tensor(torch.tensor([1, 0], dtype=torch.bool)).tolist() == [1, 0]
    layer = qnn.Linear(2, 2, seed=0)
    assert np.array_equal(layer(theirs).data, layer([1.0, 2.0]).data)
    layer.load_state_dict({"weight": torch.eye(2), "bias": torch.zeros(2)})
    assert layer(theirs).tolist() == [1, 2]


def test_arrays_of_jax_go_both_ways() -> None:
    jnp = pytest.importorskip("jax.numpy")
    x = Tensor([1.0, 2.0])
    assert jnp.from_dlpack(x).tolist() == jnp.asarray(x).tolist() == [1, 2]
    assert Tensor(jnp.ones(2)).tolist() == qnn.from_dlpack(jnp.ones(2)).tolist() == [1, 1]
