"""Quantizers that are objects or classes of a script: compared, kept, sent, told by their code."""

import subprocess
import sys
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, Config, compare, grid
from qnn_compare.experiment.grid import configs_of
from qnn_core.errors import CompareError, PluginError, SpecError
from qnn_core.quantizer import Quantizer
from studies_to_compare import data, net

SMALL: dict[str, Any] = {"seeds": 2, "epochs": 2, "batch_size": 20, "progress": False}


@dataclass(frozen=True)
class Steep(Quantizer):
    """Levels that are no progression."""

    bits: int = 2
    ratio: float = 3.0

    @property
    def levels(self) -> Any:
        powers = self.ratio ** np.arange(2 ** (self.bits - 1) - 1)
        return np.concatenate([-powers[::-1], [0.0], powers])


@dataclass(frozen=True)
class NeedsBits(Steep):
    """One whose bits have no default."""

    bits: int = field(kw_only=True)


def test_objects_and_classes_stand_beside_specs(thread: Executor, tmp_path: Path) -> None:
    configs = [
        Config(),
        Config(weight=Steep, input="symmetric:4"),
        Config(weight=Steep(bits=3, ratio=2.0), input=Steep(bits=3)),
        Config("mine", weight=Steep(ratio=4.0)),
        Config("first", weight="symmetric:2", rules={"layers.0": ("symmetric:2", Steep())}),
    ]
    names = ["float", "Steep:2 x symmetric:4", "Steep:3,ratio=2.0 x Steep:3", "mine", "first"]
    assert [config.name for config in configs] == names
    assert [config.bits for config in configs[:4]] == [(32, 32), (2, 4), (3, 3), (2, 32)]
    found = compare(net, data, configs=configs, executor=thread, store=tmp_path, **SMALL)
    assert not found.failures
    assert all(result.difference == 0 and not result.unpacked for result in found.results.values())
    # They are known by name, and nothing is trained again.
    kept = Comparison.load(tmp_path)
    kept.report(tmp_path / "again.html")
    assert "Steep:2 x symmetric:4" in (tmp_path / "again.html").read_text()
    assert [config.name for config in kept.configs] == names
    assert [config.series for config in kept.configs][1] == "Steep x symmetric"
    assert [*kept.configs] == [*found.configs]
    again = compare(net, data, configs=configs, executor=thread, store=tmp_path, **SMALL)
    assert again.sessions[-1]["cells"] == 0
    assert "Steep:2 x symmetric:4" in str(kept)
    with pytest.raises(CompareError, match="Steep:2 is an object of a class that only the script"):
        kept.configs[1].quantizers()


@pytest.mark.parametrize("activations", [None, ["symmetric"]])
def test_a_grid_of_classes_has_a_report(
    thread: Executor, tmp_path: Path, activations: list[str] | None
) -> None:
    asked: dict[str, Any] = {"weights": [Steep, "symmetric"], "bits": [2], **SMALL}
    found = compare(
        net, data, activations=activations, executor=thread, store=tmp_path / "s", **asked
    )
    for name, comparison in {"made": found, "kept": Comparison.load(tmp_path / "s")}.items():
        comparison.report(tmp_path / f"{name}.html")
        page = (tmp_path / f"{name}.html").read_text()
        assert "    Steep:2,\n        &#34;symmetric:2&#34;," in page


@dataclass(frozen=True)
class Learned(Quantizer):
    """One with a level that is trained, and noise."""

    trained = {"outer": (1.25, 8.0)}  # noqa: RUF012 # as a user writes it
    bits: int = 2
    outer: float = 2.0

    @property
    def levels(self) -> Any:
        return [-self.outer, -1.0, 1.0, self.outer]

    def training_levels(self, u: Any, rng: Any) -> Any:
        return u + rng.uniform(-0.25, 0.25, u.shape).astype(u.dtype)


def test_what_is_trained_or_random_in_a_quantizer_is_compared_too(tmp_path: Path) -> None:
    configs = [
        Config("float"),
        Config("learned", weight=Learned, input="codebook:3,signed=False", start="float"),
        Config("more", weight=Learned(outer=3.0), input="stochastic:4", start="learned"),
        Config("k-means", weight="codebook:3", start="float", recipe={"epochs": 0}),
    ]
    # In processes, and again: the noise is that of the seed.
    first, again = (
        compare(net, data, configs=configs, executor=2, store=tmp_path / name, **SMALL)
        for name in ("one", "other")
    )
    assert not first.failures
    for key, result in first.results.items():
        assert result.difference == 0
        assert not result.unpacked
        assert result.loss == again.results[key].loss


def test_an_object_of_a_registered_scheme_is_its_spec() -> None:
    config = Config(weight=qnn.get_quantizer("symmetric:2,grid=even"), input=None)
    assert config.weight == "symmetric:2,grid=even"
    assert config == Config(weight="symmetric:2,grid=even")
    assert Config(weight=type(qnn.get_quantizer("uniform:3"))).weight == "uniform:4"


def test_a_grid_gives_classes_their_widths() -> None:
    found, left_out = configs_of([Steep, "symmetric"], None, [1, 2, 32])
    assert [config.name for config in found] == ["float", "Steep:2", "symmetric:2"]
    assert [out.config for out in left_out] == ["Steep:1", "symmetric:1"]
    made = grid([Steep(ratio=2.0)], ["symmetric"], [(2, 4), (3, 8)])
    assert [config.name for config in made] == [
        "Steep:2,ratio=2.0 x symmetric:4", "Steep:3,ratio=2.0 x symmetric:8",
    ]  # fmt: skip # one line for each would hide that it is short


def test_its_arguments_and_its_code_make_another_run() -> None:
    def key(config: Config) -> str:
        return str(config.numbers_depend_on())

    assert key(Config(weight=Steep)) == key(Config(weight=Steep()))
    assert key(Config(weight=Steep)) != key(Config(weight=Steep(ratio=2.0)))

    def other(base: float) -> Any:
        @dataclass(frozen=True)
        class Own(Quantizer):
            bits: int = 2

            @property
            def levels(self) -> Any:
                return [-base, 0, base]

        return Own

    assert key(Config(weight=other(1.0))) == key(Config(weight=other(1.0)))
    assert key(Config(weight=other(1.0))) != key(Config(weight=other(2.0)))


GRID = [1.0]


@dataclass(frozen=True)
class Global(Quantizer):
    """Levels that are not arguments."""

    bits: int = 2

    @property
    def levels(self) -> Any:
        return [-1.0, 0.0, GRID[0]]


def test_tables_are_made_anew_for_each_study(thread: Executor) -> None:
    def loss() -> float:
        found = compare(net, data, configs=[Config(weight=Global)], executor=thread, **SMALL)
        return found.results["Global:2 x float", 0].loss

    try:
        first = loss()
        GRID[0] = 8.0
        assert loss() != first
    finally:
        GRID[0] = 1.0


def test_what_is_no_quantizer_is_refused() -> None:
    class Plain:
        pass

    @dataclass(frozen=True)
    class Without(Quantizer):
        bits: int = 2

    with pytest.raises(PluginError, match=r"weight of a config: .*Plain is the class Plain, not a"):
        Config(weight=Plain)  # type: ignore[arg-type] # what is refused
    with pytest.raises(PluginError, match="does not define levels"):
        Config(weight=Without)
    with pytest.raises(CompareError, match=r"NeedsBits has no default .*NeedsBits\(bits=2\)"):
        Config(weight=NeedsBits)
    with pytest.raises(CompareError, match="quantizers or their classes, or None for float"):
        grid([3])  # type: ignore[list-item] # what is refused
    with pytest.raises(SpecError):
        grid([Steep], bits=[9])


SCRIPT = """
from dataclasses import dataclass
import numpy as np
import qnn_core as qnn
from qnn_compare import compare
from qnn_core.quantizer import Quantizer

@dataclass(frozen=True)
class Mine(Quantizer):
    bits: int = 2

    @property
    def levels(self):
        return [-{step}, 0, {step}]

    def gradient_factor(self, u, level, upstream):
        return self.surrogate(u) * (1 + 0.1 * np.sign(upstream) * (u - level)).astype(u.dtype)

def build(weight, input, seed):
    return qnn.MLP([6, 12, 3], weight=weight, input=input, batch_norm=True, seed=seed)

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 6)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    found = compare(
        build, ((x[:100], y[:100]), (x[100:], y[100:])), weights=[Mine, None], seeds=2, epochs=2,
        store="store", progress=False, executor=2,
    )
    print([c.name for c in found.configs], found.sessions[-1]["cells"], len(found.failures))
"""


def test_a_script_brings_its_own_and_a_store_knows_its_code(tmp_path: Path) -> None:
    def run(step: float) -> subprocess.CompletedProcess[str]:
        (tmp_path / "mine.py").write_text(SCRIPT.format(step=step), "utf-8")
        return subprocess.run(
            [sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    first, second = run(1.0), run(1.0)
    assert first.stdout == "['float', 'Mine:2'] 4 0\n", first.stderr
    assert second.stdout == "['float', 'Mine:2'] 0 0\n", second.stderr
    changed = run(2.0)
    # Another code is another config: under the same name it is refused.
    assert "two configs are called Mine:2" in changed.stderr
