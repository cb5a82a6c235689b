"""What goes wrong where runs run, and what a store makes of it: in this process."""

import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given, settings
from hypothesis import strategies as st
from qnn_compare import Comparison, compare
from qnn_compare.experiment.data import load, look, unlike
from qnn_compare.experiment.failures import error_text, failure_of
from qnn_compare.experiment.global_generators import Purpose, Training, seeded
from qnn_compare.experiment.heartbeat import read_heartbeats
from qnn_compare.experiment.result import Result
from qnn_compare.experiment.sealed_json import read_sealed, unseal, write_sealed
from qnn_compare.experiment.standard_streams import standard_streams
from qnn_core.errors import CompareError, FileError, NonFiniteError
from qnn_core.terminal import say
from studies_to_compare import data, net, noisy
from test_compare import SMALL, same

STUDY: dict[str, Any] = SMALL | {"weights": ["symmetric"], "bits": [2, 32], "epochs": 1}
TRAIN, TEST = data()


class Changing:
    """A dataset whose values are others with each pass over it."""

    def __init__(self) -> None:
        self.passes = 0

    def __len__(self) -> int:
        return len(TEST[1])

    def __getitem__(self, index: Any) -> Any:
        self.passes += 1
        return TEST[0][index] + self.passes, TEST[1][index]


# Data


def test_a_dataset_that_gives_other_samples_each_time_is_refused(thread: Executor) -> None:
    found = qnn.compare(net, (TRAIN, Changing()), executor=thread, **STUDY)
    assert {(r.failure, len(r.correct)) for r in found.failures} == {("environment", 0)}
    assert len(found.failures) == 4
    assert "the data here are not those of the study: the test data" in found.failures[0].reason


def test_what_differs_in_data_is_named() -> None:
    there = look(load((TRAIN, TEST)))
    x, y = np.concatenate([TRAIN[0], TEST[0]]), np.concatenate([TRAIN[1], TEST[1]])
    order = np.random.default_rng(1).permutation(len(y))
    x, y = x[order], y[order]
    split = (x[:120], y[:120]), (x[120:], y[120:])
    assert "split in another way each time" in unlike(there, look(load(split)))
    fewer = unlike(there, look(load((TRAIN, (TEST[0][:50], TEST[1][:50])))))
    assert fewer == "the test data: samples 60 in the study and 50 here"
    order = np.random.default_rng(1).permutation(60)
    shuffled = unlike(there, look(load((TRAIN, (TEST[0][order], TEST[1][order])))))
    assert "the same number, shape and sum of samples, in another order" in shuffled
    assert "float64" in unlike(there, look(load(((TRAIN[0].astype(float), TRAIN[1]), TEST))))
    assert unlike(there, look(load(data))) == ""


def test_a_split_by_a_global_generator_is_the_same_each_time() -> None:
    def split() -> Any:
        order = np.random.permutation(120)  # noqa: NPY002 - this is what it is about
        return (TRAIN[0][order], TRAIN[1][order]), TEST

    assert look(load(split)) == look(load(split))


# Global generators


def test_global_generators_are_seeded_for_each_run_and_given_back(thread: Executor) -> None:
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - what is seeded
    expected = random.random(), np.random.normal(size=3).tolist()  # noqa: NPY002 - likewise
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - likewise
    with ThreadPoolExecutor(1) as here:
        one = qnn.compare(noisy, data, executor=here, **STUDY)
    assert (random.random(), np.random.normal(size=3).tolist()) == expected  # noqa: NPY002 - likewise
    assert not one.failures
    some = qnn.compare(noisy, data, executor=thread, **STUDY | {"seeds": [1], "bits": [2, 32]})
    assert same(qnn.Comparison(some.plan, {c: one.results[c] for c in some.results}), some)
    assert same(one, qnn.compare(noisy, data, executor=2, **STUDY))


def test_threads_that_would_share_a_generator_are_refused() -> None:
    with Training(0) as one, Training(1) as two:
        one.check()
        with seeded(Purpose.BUILD, 3):
            random.random()
        two.check()
        np.random.normal()  # noqa: NPY002 - what is noticed
        for training in (one, two):
            with pytest.raises(CompareError, match="which the threads of a process share"):
                training.check()
    with Training(0) as alone:
        np.random.normal()  # noqa: NPY002 - likewise
        alone.check()


def test_what_a_thread_pool_gives_is_right_or_refused(thread: Executor) -> None:
    given = STUDY | {"seeds": 4, "epochs": 5}
    expected = qnn.compare(noisy, data, executor=thread, **given)
    with ThreadPoolExecutor(4) as executor:
        found = qnn.compare(noisy, data, executor=executor, **given)
        calm = qnn.compare(net, data, executor=executor, **given)
    assert {r.failure for r in found.failures} <= {"environment"}
    done = {run: result for run, result in found.results.items() if result.done}
    assert same(
        qnn.Comparison(found.plan, done),
        qnn.Comparison(found.plan, {run: expected.results[run] for run in done}),
    )
    assert not calm.failures


# Failures


class Mute(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__

    def __reduce__(self) -> Any:
        raise ZeroDivisionError


class Rude(BaseException):
    def __str__(self) -> str:
        raise SystemExit(3)


def chained() -> None:
    try:
        Path("no such file").read_bytes()
    except OSError as error:
        raise ValueError("no data") from error


def raising(error: BaseException | type[BaseException]) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


FAULTS: list[tuple[Callable[[], None], str, str]] = [
    (raising(SystemExit(2)), "raised", "SystemExit: 2"),
    (raising(Mute), "raised", "Mute, whose text cannot be had: ZeroDivisionError"),
    (raising(Rude), "raised", "Rude, whose text cannot be had: SystemExit"),
    (raising(GeneratorExit), "raised", "GeneratorExit"),
    (raising(StopIteration("x")), "raised", "StopIteration: x"),
    (raising(MemoryError("full")), "environment", "MemoryError: full"),
    (raising(ModuleNotFoundError("no torch")), "environment", "ModuleNotFoundError: no torch"),
    (raising(TimeoutError()), "environment", "TimeoutError"),
    (chained, "environment", "ValueError: no data"),
    (
        raising(AssertionError("daemonic processes are not allowed to have children")),
        "environment",
        "leave multiprocessing out of build and data",
    ),
]


@pytest.mark.parametrize(("act", "failure", "reason"), FAULTS)
def test_whatever_one_run_raises_the_others_go_on(
    thread: Executor, act: Callable[[], None], failure: str, reason: str
) -> None:
    def optimizer(model: qnn.Module, steps: int) -> qnn.optim.Optimizer:
        if any("quantizer" in name for name, _ in model.named_parameters()):
            act()
        return qnn.optim.Adam(model.named_parameters())

    found = qnn.compare(net, data, executor=thread, **STUDY | {"optimizer": optimizer})
    assert {(r.config, r.failure) for r in found.failures} == {("symmetric:2", failure)}
    assert reason in found.failures[0].reason
    assert len(found.done("float")) == 2


def test_the_kind_of_a_failure() -> None:
    assert failure_of(NonFiniteError("x")) == "diverged"
    assert error_text(ValueError()) == "ValueError"


class Faulty:
    """An optimizer that fails as a file beside it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, model: qnn.Module, steps: int) -> qnn.optim.Optimizer:
        (self.folder / f"{time.time_ns()}.call").touch()
        if (self.folder / "lacking").exists():
            raise OSError("no such disk")
        if (self.folder / "wrong").exists():
            raise ZeroDivisionError("a bug")
        return qnn.optim.Adam(model.named_parameters())

    def calls(self) -> int:
        return len([*self.folder.glob("*.call")])


def test_what_is_tried_again(
    thread: Executor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "calls"
    folder.mkdir()
    faulty = Faulty(folder)

    def run(**more: Any) -> tuple[qnn.Comparison, int, str]:
        before = faulty.calls()
        given = STUDY | {"optimizer": faulty, "seeds": 1, "progress": None} | more
        found = qnn.compare(net, data, executor=thread, store=tmp_path / "s", **given)
        return found, faulty.calls() - before, capsys.readouterr().err

    (folder / "lacking").touch()
    found, count, _ = run()
    assert ({r.failure for r in found.failures}, count) == ({"environment"}, 2)
    assert "are tried again by the same call." in " ".join(str(found).split())
    (folder / "lacking").unlink()
    (folder / "wrong").touch()
    found, count, _ = run()
    assert ({r.failure for r in found.failures}, count) == ({"raised"}, 2)
    assert "by the same call with retry=True" in " ".join(str(found).split())
    (folder / "wrong").unlink()
    found, count, told = run()
    assert ({r.failure for r in found.failures}, count) == ({"raised"}, 0)
    assert "2 runs failed before, and would again; retry=True (qnn compare --retry)" in told
    found, count, _ = run(retry=True)
    assert (found.failures, count) == ([], 2)
    found, count, told = run(retry=True)
    assert (found.failures, count, told) == ([], 0, "")


# The last batch


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (17, "in batches of 17, has one sample, which float cannot be trained on"),
        (20, ""),
        (25, ""),
    ],
)
def test_a_last_batch_of_one_sample_is_refused_before_training(
    thread: Executor, tmp_path: Path, size: int, told: str
) -> None:
    given = {"executor": thread, "store": tmp_path / "s"} | STUDY | {"batch_size": size}
    if not told:
        assert not qnn.compare(net, data, **given).failures
        return
    with pytest.raises(CompareError, match=r"take another batch_size, such as 16") as caught:
        qnn.compare(net, data, **given)
    assert told in str(caught.value)
    assert not (tmp_path / "s").exists()


def test_batches_of_a_function_are_looked_at_too(thread: Executor) -> None:
    def batches(seed: int) -> Any:
        return [(TRAIN[0][:50], TRAIN[1][:50]), (TRAIN[0][50:51], TRAIN[1][50:51])]

    with pytest.raises(CompareError, match=r"let the data leave it out \(drop_last=True\)"):
        qnn.compare(net, (batches, TEST), executor=thread, **STUDY)


def test_one_sample_is_no_fault_without_batch_norm(thread: Executor) -> None:
    def plain(weight: Any, input: Any, seed: int) -> qnn.Module:
        return qnn.MLP([6, 8, 3], weight=weight, input=input, seed=seed)

    assert not qnn.compare(plain, data, executor=thread, **STUDY | {"batch_size": 17}).failures


# Damaged files


@pytest.fixture(scope="module")
def stored(thread: Executor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored") / "s"
    qnn.compare(net, data, executor=thread, store=folder, **STUDY | {"seeds": 1})
    return folder


@pytest.mark.parametrize("name", ["study.json", "cells/float*"])
def test_every_flipped_bit_is_refused(stored: Path, name: str) -> None:
    (path,) = stored.glob(name)
    whole, (content, sealed) = path.read_bytes(), read_sealed(path)
    assert sealed
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            found, sealed = unseal(bytes(changed))
        except FileError:
            continue
        # A key of another name: then it is no file of this kind.
        assert not sealed
        assert found.keys() != content.keys()
        with pytest.raises(ValueError, match="must be"):
            Result.from_json(found)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def test_a_damaged_run_is_trained_again_if_asked(
    thread: Executor, stored: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "s"
    shutil.copytree(stored, folder)
    expected = qnn.Comparison.load(folder)
    (path,) = folder.glob("cells/float*")
    damage(path)
    given = {"executor": thread, "store": folder} | STUDY | {"seeds": 1}
    for ask in (lambda: qnn.Comparison.load(folder), lambda: qnn.compare(net, data, **given)):
        with pytest.raises(CompareError, match=r"is damaged .*checksum.* retry=True") as caught:
            ask()
        assert path.name in str(caught.value)
    assert same(qnn.compare(net, data, **given | {"retry": True}), expected)
    damage(folder / "study.json")
    with pytest.raises(CompareError, match=r"study\.json is damaged .* retry=True"):
        qnn.compare(net, data, **given)
    assert same(qnn.compare(net, data, **given | {"retry": True}), expected)
    assert same(qnn.Comparison.load(folder), expected)


def test_a_store_of_an_older_version_is_read_and_gone_on_with(
    thread: Executor, stored: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "s"
    shutil.copytree(stored, folder)
    for path in (folder / "study.json", *(folder / "cells").iterdir()):
        content = json.loads(path.read_text("utf-8"))
        del content["sha256"]
        if "format" in content:
            content["format"] = "qnn comparison 1"
        path.write_text(json.dumps(content), "utf-8")
    old = qnn.Comparison.load(folder)
    assert old.unsealed == 2
    assert "2 results of an older version have no checksum" in " ".join(str(old).split())
    given = {"executor": thread, "store": folder} | STUDY
    more = qnn.compare(net, data, **given | {"seeds": 2})
    assert more.complete
    assert more.unsealed == 2
    assert json.loads((folder / "study.json").read_text("utf-8"))["format"] == "qnn comparison 2"
    assert same(qnn.Comparison(old.plan, {c: more.results[c] for c in old.results}), old)


HUGE = "1" * 5000
MISSHAPEN = [
    ("seed", "[" * 100_000),
    ("seed", HUGE),
    ("seed", "true"),
    ("nbytes", "1e999"),
    ("nbytes", "-1"),
    ("loss", "NaN"),
    ("correct", '{"samples": 100000000000000000000000, "bits": ""}'),
    ("correct", '{"samples": 60, "bits": 3}'),
    ("correct", "[]"),
    ("accuracy", "0.123"),
    ("history", "[3]"),
    ("history", '[{"loss": 1}]'),
    ("macs", '{"axb": 3}'),
    ("latency", '{"1": null}'),
    ("failure", "[]"),
]


@pytest.mark.parametrize(("key", "value"), MISSHAPEN)
def test_values_of_another_kind_are_named(
    stored: Path, tmp_path: Path, key: str, value: str
) -> None:
    folder = tmp_path / "s"
    shutil.copytree(stored, folder)
    (path,) = folder.glob("cells/float*")
    content = json.loads(path.read_text("utf-8"))
    del content["sha256"]
    content[key] = "HERE"
    path.write_text(json.dumps(content).replace('"HERE"', value), "utf-8")
    with pytest.raises(CompareError, match=r"is damaged") as caught:
        qnn.Comparison.load(folder)
    assert path.name in str(caught.value)
    deep = value.startswith("[" * 9) or value in (HUGE, "NaN")
    assert deep or key in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seeds", 10**12),
        ("seeds", [[]]),
        ("arms", [{"weight": "%%", "input": None}]),
        ("arms", [3]),
        ("arms", None),
        ("left_out", [{"arm": 1, "reason": 2}]),
        ("configuration", []),
        ("configuration", {"recipe": 3}),
        ("runs", [{"cells": "many"}]),
        ("runs", [{"machine": 3}]),
    ],
)
def test_a_study_of_another_kind_is_damaged(
    stored: Path, tmp_path: Path, key: str, value: object
) -> None:
    folder = tmp_path / "s"
    shutil.copytree(stored, folder)
    path = folder / "study.json"
    content, _ = read_sealed(path)
    write_sealed(path, content | {key: value})
    with pytest.raises(CompareError, match=r"study\.json is damaged"):
        qnn.Comparison.load(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(key=st.sampled_from(sorted(Result("a", 0).to_json())), value=JSON)
def test_a_result_is_read_or_refused_by_a_value_error(key: str, value: object) -> None:
    content = Result("a", 0, "killed").to_json() | {key: value}
    try:
        found = Result.from_json(json.loads(json.dumps(content)))
    except ValueError:
        return
    assert isinstance(found, Result)


def test_a_damaged_note_is_left_out(tmp_path: Path) -> None:
    note: dict[str, Any] = {"key": "a", "epoch": 1, "epochs": 2, "loss": 0.5, "accuracy": None}
    note |= {"began": 1.0, "updated": 2.0}
    changes: list[dict[str, Any]] = [
        {},
        {"loss": "x"},
        {"epochs": None},
        {"began": "x"},
        {"more": 1},
    ]
    for n, change in enumerate(changes):
        (tmp_path / f"{n}.json").write_text(json.dumps(note | change), "utf-8")
    (tmp_path / "deep.json").write_text("[" * 100_000, "utf-8")
    assert [vars(far) for far in read_heartbeats(tmp_path)] == [note]


# Streams


def test_what_a_stream_cannot_encode_is_replaced(tmp_path: Path) -> None:
    for encoding in ("ascii", "gbk", "cp932"):
        with (tmp_path / encoding).open("w", encoding=encoding) as stream:
            say("98.30 ± 0.20 ≈ é", stream)
        assert "98.30" in (tmp_path / encoding).read_text(encoding)
    say("nobody hears it", None)
    say("nor this", stream)


def test_missing_streams_are_there_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with standard_streams():
        print("into nothing")
    assert sys.stdout is None


def test_samples_to_judge_by_that_are_training_samples_are_refused(
    thread: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = data()
    few = {"seeds": 2, "epochs": 1, "executor": thread, "progress": False, "weights": ["binary"]}
    with pytest.raises(CompareError, match="120 of the 120 test samples are training samples too"):
        compare(net, (train, train), **few)
    part = tuple(np.concatenate([t[:55], own[:5]]) for t, own in zip(test, train, strict=True))
    assert not compare(net, (train, part), **few).failures
    assert "5 of the 60 test samples are training samples too" in capsys.readouterr().err


def test_what_training_warned_of_is_in_the_result_and_said(
    thread: Executor, tmp_path: Path
) -> None:
    def pixels() -> Any:
        (x, y), (tx, ty) = data()
        return (np.abs(x) * 1e4 + 1, y), (np.abs(tx) * 1e4 + 1, ty)

    def build(weight: Any, input: Any, seed: int) -> qnn.Module:
        return qnn.MLP([6, 12, 3], weight=weight, input=input, seed=seed)

    with pytest.warns(qnn.TrainingWarning):
        found = compare(
            build, pixels, weights=["symmetric", None], activations=["binary"], bits=[(2, 1)],
            seeds=2, epochs=8, batch_size=10, lr=1e-9, executor=thread, progress=False,
            store=tmp_path,
        )  # fmt: skip # one call
    kept = Comparison.load(tmp_path)
    told = [text for result in kept.results.values() for text in result.warnings]
    assert told
    assert told == [text for result in found.results.values() for text in result.warnings]
    assert "warned, " in str(kept)
    assert "Trainings that went wrong" in kept.report(tmp_path / "r.html").read_text("utf-8")
