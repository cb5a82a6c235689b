"""Whole checkpoints with a checksum that fits and content that does not: errors that name them."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.cli.info import content_of
from qnn_core.errors import FileError, StateError
from qnn_core.files import load_arrays, save_arrays
from qnn_core.training import Checkpoint

BATCHES = [(np.eye(3), np.arange(3))]
GREAT = 10**400
Arrays = dict[str, np.ndarray]
About = dict[str, Any]


def parts() -> tuple[qnn.Module, qnn.optim.Optimizer]:
    model = qnn.MLP([3, 4, 3], weight="symmetric:3", batch_norm=True, seed=0)
    return model, qnn.optim.Adam(model.parameters(), lr=0.1)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Arrays, About]:
    path = tmp_path_factory.mktemp("sound") / "run.qnn"
    model, optimizer = parts()
    qnn.fit(model, BATCHES, epochs=2, optimizer=optimizer, checkpoint=path)
    return load_arrays(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults") / "run.qnn"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


VALUES: list[Any] = [None, True, -1, 3, GREAT, 1e308, float("nan"), "text", [], {}, [1], {"a": 1}]
FIELDS = ["epoch", "loss", "accuracy", "val_loss", "lr", "seconds", "samples_per_second"]


def resumed(path: Path) -> None:
    model, optimizer = parts()
    qnn.fit(model, BATCHES, epochs=3, optimizer=optimizer, checkpoint=path, resume=True, patience=2)


@pytest.mark.parametrize("key", ["kind", "version", "recipe", "history"])
@pytest.mark.parametrize("value", [*VALUES, nested(900)], ids=lambda value: repr(value)[:9])
def test_a_part_of_another_kind(sound: Any, path: Path, key: str, value: Any) -> None:
    arrays, about = sound
    save_arrays(path, arrays, {**about, key: value})
    if (key, value) in (("history", []), ("recipe", {})):
        assert Checkpoint.load(path)
        return
    for read in (Checkpoint.load, resumed):
        with pytest.raises(FileError, match=r"run\.qnn"):
            read(path)
    # It shows what it can of a damaged one, or says the same.
    with contextlib.suppress(FileError):
        assert str(content_of(path))


@given(data=st.data())
def test_measurements_of_another_kind(sound: Any, path: Path, data: st.DataObject) -> None:
    arrays, about = sound
    about = json.loads(json.dumps(about))
    epoch = about["history"][data.draw(st.integers(0, 1))]
    field, value = data.draw(st.sampled_from(FIELDS)), data.draw(st.sampled_from(VALUES))
    right = epoch["epoch"]
    epoch[field] = value
    save_arrays(path, arrays, about)
    is_number = type(value) is float or (type(value) is int and value != GREAT)
    is_sound = is_number or (value is None and field in ("accuracy", "val_loss"))
    if value == right if field == "epoch" else is_sound:
        resumed(path)
        return
    with pytest.raises(FileError, match=r"run\.qnn is no whole checkpoint: epoch \d of its"):
        resumed(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda epochs: epochs.reverse(),
        lambda epochs: epochs.append(epochs[0]),
        lambda epochs: epochs[1].update(epoch=7),
        lambda epochs: epochs[1].pop("loss"),
        lambda epochs: epochs[1].pop("epoch"),
        lambda epochs: epochs[1].update(more=1.0),
        lambda epochs: epochs.insert(0, [1]),
    ],
)
def test_epochs_that_are_no_history(
    sound: Any, path: Path, change: Callable[[list[Any]], Any]
) -> None:
    arrays, about = sound
    about = json.loads(json.dumps(about))
    change(about["history"])
    save_arrays(path, arrays, about)
    with pytest.raises(FileError, match=r"run\.qnn is no whole checkpoint"):
        resumed(path)


@pytest.mark.parametrize("text", ["[" * 100_000, "{" * 5, "9" * 5000, '{"a":' * 50_000, "\\ud800"])
def test_a_description_that_no_parser_reads(
    sound: Any, path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays, _ = sound
    with monkeypatch.context() as patch:
        original = json.dumps
        patch.setattr(
            json, "dumps", lambda value, **how: text if value == "it" else original(value, **how)
        )
        save_arrays(path, arrays, "it")  # type: ignore[arg-type] # no description
    with pytest.raises(FileError, match=r"run\.qnn"):
        Checkpoint.load(path)


def test_arrays_that_are_not_the_models(sound: Any, path: Path) -> None:
    arrays, about = sound
    changes: list[Arrays] = [
        {**arrays, "other/x": np.ones(1)},
        {**arrays, "": np.ones(1)},
        {n: a for n, a in arrays.items() if not n.startswith("best/")},
        {n: a.astype(np.float64) if n.startswith("model/") else a for n, a in arrays.items()},
        {**arrays, "optimizer/steps": np.ones(3)},
        {**arrays, "model/more": np.ones(3)},
    ]
    for changed in changes:
        save_arrays(path, changed, about)
        model, optimizer = parts()
        before = model.state_dict()
        with pytest.raises((FileError, StateError), match=r"run\.qnn"):
            qnn.fit(model, BATCHES, epochs=3, optimizer=optimizer, checkpoint=path, resume=True)
        assert all(np.array_equal(before[n], a) for n, a in model.state_dict().items())


@given(text=st.text(max_size=20), header=st.integers(0, 2**64 - 1))
def test_headers_of_any_length(path: Path, text: str, header: int) -> None:
    path.write_bytes(header.to_bytes(8, "little") + text.encode())
    with pytest.raises(FileError, match=r"run\.qnn"):
        load_arrays(path)


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        b'{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}',
        b'{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}',
        b'{"a":{"dtype":"U8","shape":[1099511627776,1099511627776,0],"data_offsets":[0,0]}}',
        b'{"a":{"dtype":"U8","shape":[%s],"data_offsets":[0,1]}}' % (b"9" * 300),
        b'{"__metadata__":{"about":"[]","sha256":3}}',
    ],
)
def test_headers_that_no_array_has(path: Path, header: bytes) -> None:
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(FileError, match=r"run\.qnn"):
        load_arrays(path)
