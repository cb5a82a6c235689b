"""Checkpoint files: identities, and a clear refusal of whatever is not one."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.errors import FileError, StateError
from qnn_core.files import load_arrays, save_arrays
from qnn_core.training import Checkpoint

BATCHES = [(np.eye(3), np.arange(3))]


def parts(seed: int = 0, **options: Any) -> tuple[qnn.Module, qnn.optim.Optimizer]:
    model = qnn.MLP([3, 4, 3], weight="symmetric:3", batch_norm=True, seed=seed, **options)
    return model, qnn.optim.Adam(model.parameters(), lr=0.1)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("checkpoint") / "run.qnn"
    model, optimizer = parts()
    qnn.fit(model, BATCHES, epochs=2, optimizer=optimizer, checkpoint=file)
    return file


@pytest.fixture(scope="module")
def content(path: Path) -> bytes:
    return path.read_bytes()


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "run.qnn"


def test_save_and_load_are_identities(path: Path, tmp_path: Path) -> None:
    first = Checkpoint.load(path)
    first.save(tmp_path / "again.qnn")
    second = Checkpoint.load(tmp_path / "again.qnn")
    for part in ("model", "best", "optimizer"):
        a, b = getattr(first, part), getattr(second, part)
        assert {n: (v.dtype, v.shape, v.tobytes()) for n, v in a.items()} == {
            n: (v.dtype, v.shape, v.tobytes()) for n, v in b.items()
        }
    assert first.history == second.history
    assert first.recipe == second.recipe
    assert first.recipe["optimizer"].startswith("Adam(")


@given(
    arrays=st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8),
        st.sampled_from(
            [
                np.zeros(()),
                np.zeros((0, 3), np.float32),
                np.arange(6, dtype=np.int64).reshape(2, 3).T,
                np.array([np.nan, np.inf, -0.0, 5e-324]),
                np.arange(256, dtype=np.uint8)[::-3],
                np.array([True, False]),
            ]
        ),
        max_size=4,
    ),
    about=st.dictionaries(
        st.text(max_size=5), st.floats(allow_nan=False) | st.integers() | st.text() | st.none()
    ),
)
def test_any_arrays_come_back(
    damaged: Path, arrays: dict[str, np.ndarray], about: dict[str, Any]
) -> None:
    if "__metadata__" in arrays:
        return
    save_arrays(damaged, arrays, about)
    loaded, description = load_arrays(damaged)
    assert description == about
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].shape == array.shape
        assert loaded[name].tobytes() == array.tobytes()


def test_text_that_looks_like_a_missing_checksum(damaged: Path) -> None:
    for _ in range(8):  # the order of a file's header is not always the same
        save_arrays(damaged, {}, {"note": "0" * 64})
        assert load_arrays(damaged)[1] == {"note": "0" * 64}


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.qnn", {"x": np.ones(2)}, {})
    assert [p.name for p in tmp_path.iterdir()] == ["a.qnn"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.qnn"
    save_arrays(file, {"x": np.ones(2)}, {})
    with pytest.raises(TypeError):
        save_arrays(file, {"x": np.zeros(2)}, {"not": object()})
    assert load_arrays(file)[0]["x"].tolist() == [1, 1]


def check_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(FileError, match=r"run\.qnn"):
        Checkpoint.load(file)


@given(data=st.data(), flip=st.integers(1, 255))
def test_any_changed_byte(damaged: Path, content: bytes, data: st.DataObject, flip: int) -> None:
    where = data.draw(st.integers(0, len(content) - 1))
    check_refused(damaged, content[:where] + bytes([content[where] ^ flip]) + content[where + 1 :])


@pytest.mark.slow
def test_every_changed_byte_of_the_header(damaged: Path, content: bytes) -> None:
    for where in range(8 + int.from_bytes(content[:8], "little")):
        flipped = bytes([content[where] ^ 1 << where % 8])
        check_refused(damaged, content[:where] + flipped + content[where + 1 :])


@given(data=st.data())
def test_cut_anywhere(damaged: Path, content: bytes, data: st.DataObject) -> None:
    check_refused(damaged, content[: data.draw(st.integers(0, len(content) - 1))])


@given(more=st.binary(min_size=1, max_size=20), ahead=st.booleans())
def test_extended(damaged: Path, content: bytes, more: bytes, ahead: bool) -> None:
    check_refused(damaged, more + content if ahead else content + more)


@given(data=st.data())
def test_two_stretches_swapped(damaged: Path, content: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(content) - 1))
    swapped = content[cut:] + content[:cut]
    if swapped != content:
        check_refused(damaged, swapped)


@given(st.binary(max_size=100))
def test_any_bytes(damaged: Path, noise: bytes) -> None:
    check_refused(damaged, noise)


@pytest.mark.parametrize(
    "foreign",
    [b"", pickle.dumps({"weight": [1.0]}), b"PK\x03\x04", b"{}", b"\x02" + b"\x00" * 7 + b"{}"],
    ids=["empty", "pickle", "zip", "json", "safetensors"],
)
def test_other_files(damaged: Path, foreign: bytes) -> None:
    check_refused(damaged, foreign)


@pytest.mark.parametrize(
    ("arrays", "about"),
    [
        ({}, {}),
        ({}, {"kind": "qnn packed", "version": 1}),
        ({}, {"kind": "qnn checkpoint", "version": 2}),
        ({}, {"kind": "qnn checkpoint", "version": None}),
        ({}, {"kind": "qnn checkpoint", "version": 1}),
        ({}, [1, 2]),
        ({}, "text"),
        (
            {"other/x": np.ones(1)},
            {"kind": "qnn checkpoint", "version": 1, "optimizer_class": "SGD", "history": []},
        ),
        (
            {},
            {
                "kind": "qnn checkpoint",
                "version": 1,
                "optimizer_class": "SGD",
                "history": [{"a": 1}],
            },
        ),
    ],
)
def test_whole_files_of_another_kind(damaged: Path, arrays: dict, about: Any) -> None:
    save_arrays(damaged, arrays, about)
    with pytest.raises(FileError, match=r"run\.qnn"):
        Checkpoint.load(damaged)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Checkpoint.load(tmp_path / "none.qnn")


# What fit does with checkpoints


def resume(path: Path, model: qnn.Module, optimizer: qnn.optim.Optimizer) -> qnn.History:
    return qnn.fit(model, BATCHES, epochs=2, optimizer=optimizer, checkpoint=path, resume=True)


def test_an_existing_checkpoint_is_not_overwritten(path: Path, content: bytes) -> None:
    model, optimizer = parts()
    with pytest.raises(FileExistsError, match="resume=True"):
        qnn.fit(model, BATCHES, epochs=1, optimizer=optimizer, checkpoint=path)
    assert path.read_bytes() == content


def test_a_finished_run_is_not_trained_further(path: Path) -> None:
    model, optimizer = parts(seed=9)
    history = resume(path, model, optimizer)
    assert [e.epoch for e in history.epochs] == [1, 2]
    saved = Checkpoint.load(path).model
    assert all(np.array_equal(saved[n], a) for n, a in model.state_dict().items())


def test_another_optimizer_is_refused(path: Path) -> None:
    model, _ = parts()
    with pytest.raises(FileError, match=r"(?s)whose optimizer is\nAdam.*instead of\nSGD"):
        resume(path, model, qnn.optim.SGD(model.parameters(), lr=0.1))


def test_another_model_is_refused(path: Path) -> None:
    model = qnn.MLP([3, 5, 3], seed=0)
    with pytest.raises(FileError, match=r"(?s)whose model is\nMLP.*instead of\nMLP"):
        resume(path, model, qnn.optim.Adam(model.parameters(), lr=0.1))


def test_other_quantizers_are_another_model(path: Path) -> None:
    model = qnn.MLP([3, 4, 3], weight="symmetric:4", batch_norm=True, seed=0)
    with pytest.raises(FileError, match=r"Symmetric\(bits=3\)(?s:.*)Symmetric\(bits=4\)"):
        resume(path, model, qnn.optim.Adam(model.parameters(), lr=0.1))


def test_a_checkpoint_that_does_not_fit_changes_nothing(path: Path) -> None:
    model, _ = parts(seed=3)
    before = model.state_dict()
    some = qnn.optim.Adam(list(model.parameters())[1:], lr=0.1)
    with pytest.raises(StateError):
        resume(path, model, some)
    assert all(np.array_equal(before[n], a) for n, a in model.state_dict().items())
    assert some.steps == 0


@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: c[:-1] + bytes([c[-1] ^ 1])])
def test_a_damaged_checkpoint_is_refused(content: bytes, damaged: Path, damage: Any) -> None:
    damaged.write_bytes(damage(content))
    with pytest.raises(FileError):
        resume(damaged, *parts())
