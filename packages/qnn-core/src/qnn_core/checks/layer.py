"""The laws of a layer that quantizes in a way of its own, in the order they are looked at."""

from . import behaviour, inside
from .law import Law

LAWS: dict[str, Law] = {
    "it runs": behaviour.layer_runs,
    "evaluation is frozen": behaviour.evaluation_is_frozen,
    "evaluation is repeatable": behaviour.evaluation_is_repeatable,
    "levels fit the bits": inside.levels_fit_the_bits,
    "levels reach the data": inside.levels_reach_the_data,
    "weights are quantized throughout": inside.weights_are_quantized_throughout,
    "zero is a value like others": inside.zero_is_a_value_like_others,
    "zeros give numbers": inside.zeros_give_numbers,
    "gradients climb with the values": inside.gradients_climb_with_the_values,
    "other derivatives are right": inside.other_derivatives_are_right,
    "training is repeatable": behaviour.training_is_repeatable,
    "state is complete": behaviour.state_is_complete,
    "engine is evaluation": behaviour.engine_is_evaluation,
}
