"""The grid of schemes and widths."""

import pytest
import qnn_core as qnn
from qnn_compare.experiment.configs import Config
from qnn_compare.experiment.grid import configs_of
from qnn_compare.experiment.spec_bits import with_bits, without_bits
from qnn_core.errors import CompareError, SpecError


def names(*given: object) -> list[str]:
    return [config.name for config in configs_of(*given)[0]]  # type: ignore[arg-type] # wrong ones too


def test_float_is_one_config_and_the_first() -> None:
    assert names(["symmetric", "uniform"], None, [4, 2, 32]) == [
        "float", "symmetric:4", "symmetric:2", "uniform:4", "uniform:2",
    ]  # fmt: skip


def test_activations_stand_beside_each_weight() -> None:
    assert names(["symmetric", "logarithmic"], ["uniform", None], [(2, 3), (2, 4)]) == [
        "symmetric:2 x uniform:3", "symmetric:2 x uniform:4", "symmetric:2 x float",
        "logarithmic:2 x uniform:3", "logarithmic:2 x uniform:4", "logarithmic:2 x float",
    ]  # fmt: skip


def test_specs_may_bring_their_bits() -> None:
    assert names(["symmetric:bits=2,grid=even", None, "binary"], None, None) == [
        "float", "symmetric:2,grid=even", "binary:1",
    ]  # fmt: skip


def test_32_bits_of_one_kind_are_float() -> None:
    (config,), _ = configs_of(["symmetric"], ["uniform"], [(2, 32)])
    assert (config.weight, config.input, config.bits) == ("symmetric:2", None, (2, 32))


def test_combinations_without_a_meaning_are_left_out_with_the_reason() -> None:
    configs, left_out = configs_of(["binary"], None, [1, 2])
    assert [config.name for config in configs] == ["binary:1"]
    assert [(out.config, out.reason) for out in left_out] == [
        ("binary:2", "Binary: there is one bit, got bits=2")
    ]


def test_one_scheme_without_a_meaning_leaves_the_rest_of_the_grid() -> None:
    configs, left_out = configs_of(["symmetric", "binary"], ["symmetric"], [1, 2])
    assert [config.name for config in configs] == ["symmetric:2"]
    assert [out.config for out in left_out] == [
        "symmetric:1", "binary:1 x symmetric:1", "binary:2 x symmetric:2",
    ]  # fmt: skip
    configs, left_out = configs_of(["binary", "symmetric"], None, [4, 8])
    assert [config.name for config in configs] == ["symmetric:4", "symmetric:8"]
    assert [out.config for out in left_out] == ["binary:4", "binary:8"]


BAD: list[tuple[tuple[object, ...], str]] = [
    (([], None, [2]), "weights must be a list with one entry"),
    (("symmetric", None, [2]), "weights must be a list"),
    ((["symmetric"], [], [2]), "activations must be a list"),
    ((["symmetric"], None, []), "bits must be a list"),
    ((["symetric"], None, [2]), "did you mean 'symmetric'"),
    ((["binary"], None, [2, 3]), "binary:2: Binary: there is one bit"),
    ((["binary"], ["symmetric"], [1, 2]), "binary:1 x symmetric:1: Symmetric: one bit"),
    ((["symmetric", "symmetric:grid=evn"], None, [2, 3]), "did you mean 'even'"),
    ((["binary"], None, [2, 32]), "binary:2: Binary: there is one bit"),
    ((["symmetric"], None, [9]), "bits are 1 to 8, or 32 for float, got 9"),
    ((["symmetric"], None, [True]), "bits are 1 to 8"),
    ((["symmetric"], None, ["2"]), "bits are 1 to 8"),
    ((["symmetric:4"], None, [2]), "sets the bits, and so do bits"),
    ((["symmetric:gird=even"], None, [2]), "did you mean 'grid'"),
]


@pytest.mark.parametrize(("given", "told"), BAD)
def test_bad_input_is_explained(given: tuple[object, ...], told: str) -> None:
    with pytest.raises((CompareError, SpecError)) as caught:
        configs_of(*given)  # type: ignore[arg-type] # wrong ones too
    assert told in str(caught.value)


@pytest.mark.parametrize("scheme", qnn.schemes())
@pytest.mark.parametrize("bits", range(1, 9))
def test_names_are_specs_that_give_the_quantizer_again(scheme: str, bits: int) -> None:
    spec = with_bits(scheme, bits)
    assert spec is not None
    assert without_bits(spec) == scheme
    config = Config(weight=spec, input=spec)
    assert (config.name, config.series, config.bits) == (spec, scheme, (bits, bits))
    try:
        quantizer = qnn.get_quantizer(scheme, bits=bits)
    except SpecError:
        return
    assert config.quantizers() == (quantizer, quantizer)
