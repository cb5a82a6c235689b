"""mnist-mini, the spiral, MNIST itself, and their names."""

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import qnn_data
from qnn_data import MNIST, MNISTMini, Spiral

PACKAGE = Path(__file__).parents[2] / "packages/qnn-data"


def rows(images: np.ndarray) -> list[bytes]:
    return [image.tobytes() for image in images]


@pytest.mark.parametrize(("train", "per_class"), [(True, 600), (False, 100)])
def test_mini_is_stratified(train: bool, per_class: int) -> None:
    data = MNISTMini(train, transform=None)
    assert np.bincount(data.labels).tolist() == [per_class] * 10
    assert data.images.shape == (10 * per_class, 28, 28)
    assert data.images.dtype == np.uint8
    assert data.classes == tuple("0123456789")


def test_mini_has_no_image_twice() -> None:
    images = rows(MNISTMini(True).images) + rows(MNISTMini(False).images)
    assert len(set(images)) == 7000


@pytest.mark.parametrize("train", [True, False])
def test_mini_is_of_mnist_in_its_order(mnist_folder: str, train: bool) -> None:
    mini, mnist = MNISTMini(train), MNIST(train, folder=mnist_folder)
    places: dict[bytes, int] = {image: place for place, image in enumerate(rows(mnist.images))}
    found = [places[image] for image in rows(mini.images)]
    assert found == sorted(found)
    np.testing.assert_array_equal(mnist.labels[found], mini.labels)


def test_mini_is_made_by_its_tool(mnist_folder: str, tmp_path: Path) -> None:
    tool = PACKAGE / "tools/make_mnist_mini.py"
    command = [sys.executable, tool, mnist_folder, "--out", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    for path in tmp_path.iterdir():
        shipped = PACKAGE / "src/qnn_data/bundled/mnist-mini" / path.name
        made, kept = qnn_data.read_idx(path), qnn_data.read_idx(shipped)
        np.testing.assert_array_equal(made, kept)
    assert len(list(tmp_path.iterdir())) == 4


def test_mnist_pixel_and_label_counts(mnist_folder: str) -> None:
    train, test = qnn_data.load("mnist", folder=mnist_folder)
    assert np.bincount(train.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert test.images.shape == (10_000, 28, 28)
    x, y = test[:5]
    assert x.shape == (5, 784)
    assert x.dtype == np.float32
    assert y.tolist() == [7, 2, 1, 0, 4]


def dezero_spiral(train: bool) -> tuple[np.ndarray, np.ndarray]:
    """As DeZero computes it, point by point."""
    random = np.random.RandomState(1984 if train else 2020)
    x, t = np.zeros((300, 2), np.float32), np.zeros(300, int)
    for j in range(3):
        for i in range(100):
            rate = i / 100
            theta = j * 4.0 + 4.0 * rate + random.randn() * 0.2
            x[100 * j + i] = rate * np.sin(theta), rate * np.cos(theta)
            t[100 * j + i] = j
    order = random.permutation(300)
    return x[order], t[order]


@pytest.mark.parametrize("train", [True, False])
def test_spiral_is_dezeros(train: bool) -> None:
    data = Spiral(train)
    x, t = dezero_spiral(train)
    np.testing.assert_array_equal(data.y, t)
    np.testing.assert_allclose(data.x, x, rtol=1e-6, atol=1e-7)
    assert data.x.dtype == np.float32
    assert np.bincount(data.y).tolist() == [100] * 3


def test_spiral_seeds() -> None:
    assert Spiral(seed=5).x.tolist() == Spiral(False, seed=5).x.tolist()
    assert Spiral(seed=5).x.tolist() != Spiral().x.tolist() != Spiral(False).x.tolist()


@pytest.mark.parametrize("name", ["mnist-mini", "spiral"])
def test_load(name: str) -> None:
    train, test = qnn_data.load(name)
    x, y = train[:4]
    assert x.dtype == np.float32
    assert x.ndim == 2
    assert y.dtype == np.int64
    assert type(train) is type(test)


def test_load_with_other_transforms() -> None:
    assert qnn_data.load("mnist-mini", transform=None)[0][:2][0].shape == (2, 28, 28)
    for name in ("mnist-mini", "spiral"):
        assert qnn_data.load(name, transform=lambda x: x[:, :1])[1][:2][0].shape[1] == 1
    assert qnn_data.load("spiral", transform=None)[0].transform is None


def test_default_transform_normalises() -> None:
    x, _ = MNISTMini(True)[:]
    assert abs(float(x.mean(dtype=np.float64))) < 1e-6
    assert abs(float(x.std(dtype=np.float64)) - 1) < 1e-6


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("MNIST", "did you mean 'mnist'"),
        ("mnist_mini", "did you mean 'mnist-mini'"),
        ("imagenet", "data set 'imagenet'. Known"),
    ],
)
def test_unknown_names(name: str, match: str) -> None:
    with pytest.raises(
        ValueError,
        match=f"{match}.* cifar-10, .* mnist-mini, spiral",
    ):
        qnn_data.load(name)


def test_bad_arguments() -> None:
    for name in ("mnist-mini", "spiral"):
        with pytest.raises(ValueError, match="takes no folder"):
            qnn_data.load(name, folder="x")
    with pytest.raises(ValueError, match="a function, None or \"default\", not 'flat'"):
        MNISTMini(transform="flat")  # type: ignore[arg-type] # what is refused


def test_every_public_name_is_there_and_documented() -> None:
    assert sorted(qnn_data.__all__) == sorted(set(qnn_data.__all__))
    for name in qnn_data.__all__:
        assert getattr(qnn_data, name).__doc__


def test_import_reads_nothing_and_loads_no_network_library() -> None:
    code = "import sys, qnn_data; print('requests' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_readme() -> None:
    failed, ran = doctest.testfile(str(PACKAGE / "README.md"), module_relative=False)
    assert ran
    assert not failed
