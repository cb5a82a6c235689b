"""What nets are trained and measured on."""

import numpy as np
import pytest
from qnn_compare.experiment.data import Arrays, Shuffled, load, look
from qnn_core.errors import CompareError
from studies_to_compare import Part, data

TRAIN, TEST = data()


def test_each_epoch_and_each_seed_has_its_own_order_and_all_samples() -> None:
    batches = Shuffled(Arrays(np.arange(100.0), np.arange(100)), batch_size=30, seed=3)
    assert len(batches) == 4
    first, second = ([y for _, y in batches] for _ in range(2))
    assert [len(y) for y in first] == [30, 30, 30, 10]
    assert sorted(np.concatenate(first)) == list(range(100))
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))
    batches.set_epoch(0)
    again = np.concatenate([y for _, y in batches])
    np.testing.assert_array_equal(again, np.concatenate(first))
    other = Shuffled(Arrays(np.arange(100.0), np.arange(100)), batch_size=30, seed=4)
    assert not np.array_equal(np.concatenate([y for _, y in other]), again)


def test_samples_stay_with_their_labels() -> None:
    for x, y in Shuffled(Arrays(np.arange(50.0), np.arange(50)), batch_size=7, seed=0):
        np.testing.assert_array_equal(x, y)


def test_a_function_and_what_it_returns_are_the_same_data() -> None:
    assert look(load(data)) == look(load((TRAIN, TEST)))


def changed(part: Part, sample: bool) -> Part:
    x, y = (array.copy() for array in part)
    if sample:
        x[-1, -1] += 1e-3
    else:
        y[-1] = (y[-1] + 1) % 3
    return x, y


@pytest.mark.parametrize("sample", [True, False])
def test_one_other_value_is_other_data(sample: bool) -> None:
    before = look(load((TRAIN, TEST)))
    assert look(load((changed(TRAIN, sample), TEST))) != before
    assert look(load((TRAIN, changed(TEST, sample)))) != before


def test_training_data_may_be_a_function_of_the_seed() -> None:
    loaded = load((lambda seed: [(TRAIN[0] + seed, TRAIN[1])], TEST))
    ((x, _),) = loaded.batches(seed=2, batch_size=5)
    np.testing.assert_array_equal(x, TRAIN[0] + 2)
    assert look(loaded) == look(load((lambda seed: [TRAIN], TEST)))


EMPTY = np.zeros((0, 6), np.float32), np.zeros(0, int)
BAD = [
    (TRAIN, "must give samples and labels"),  # samples and labels where two parts should be
    (3, "(training data, test data)"),
    ((TRAIN, TEST, TEST), "(training data, test data)"),
    ((TRAIN, EMPTY), "the test data are empty"),
    ((EMPTY, TEST), "the training data are empty"),
    ((TRAIN, (TEST[0], TEST[1][:-1])), "samples [n, ...] and n labels"),
    ((TRAIN, (TEST[0], TEST[0][:, 0])), "labels must be whole numbers"),
    ((TRAIN, lambda seed: TEST), "not a function"),
    ((TRAIN, {1, 2}), "a dataset that gives its length"),
    ((TRAIN, [TEST] * 5), "got a tuple, a tuple, a tuple, ..."),
    ((TRAIN, "digits"), "a str raised TypeError"),
    ((TRAIN, (TEST[0][:, :3], TEST[1])), "shape (6,) in the training data and (3,) in the test"),
    (((TRAIN[0] * np.nan, TRAIN[1]), TEST), "batch 0 of the training data holds NaN or infinity"),
    ((TRAIN, (TEST[0], TEST[1] - 1)), "labels must be whole numbers from 0"),
    ((TRAIN, (TEST[0].astype(str), TEST[1])), "the test data: samples: real numbers are needed"),
    ((lambda seed: iter([TRAIN]), TEST), "can be read again for each epoch"),
    ((lambda seed: [], TEST), "the training data are empty"),
    ((lambda seed: [(*TRAIN, 3)], TEST), "the training data raised ValueError"),
    ((lambda seed: 1 / 0, TEST), "the training data raised ZeroDivisionError: division by zero"),
]


@pytest.mark.parametrize(("given", "told"), BAD)
def test_bad_data_are_explained(given: object, told: str) -> None:
    with pytest.raises(CompareError) as caught:
        look(load(given))  # type: ignore[arg-type] # what is refused
    assert told in str(caught.value)
