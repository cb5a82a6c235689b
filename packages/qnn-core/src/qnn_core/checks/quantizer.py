"""The laws of a quantizer, in the order they are looked at."""

from . import codes, deployed, fitting, identity, multiplied, trained, values
from .law import Law

LAWS: dict[str, Law] = {
    "codebook": codes.codebook_is_sound,
    "arguments are checked": identity.arguments_are_checked,
    "levels reach the data": codes.levels_reach_the_data,
    "encode is total": codes.encode_is_total,
    "encode is monotone": codes.encode_is_monotone,
    "encode is elementwise": codes.encode_is_elementwise,
    "thresholds are encode": codes.thresholds_are_encode,
    "zero is kept": codes.zero_is_kept,
    "values stay": codes.values_stay,
    "surrogate is sound": fitting.surrogate_is_sound,
    "gradient_factor is sound": fitting.gradient_factor_is_sound,
    "surrogate has the size of the steps": fitting.surrogate_has_the_size_of_the_steps,
    "scale_gradient is sound": fitting.scale_gradient_is_sound,
    "fit is sound": fitting.fit_is_sound,
    "data are left alone": fitting.data_are_left_alone,
    "bad data are refused": fitting.bad_data_are_refused,
    "trained fields stay sound": trained.trained_fields_stay_sound,
    "trained gradients are sound": trained.trained_gradients_are_sound,
    "training levels are sound": trained.training_levels_are_sound,
    "value is exact": values.value_is_exact,
    "gradient is as stated": values.gradient_is_as_stated,
    "evaluation is frozen": values.evaluation_is_frozen,
    "training is repeatable": values.training_is_repeatable,
    "state is complete": values.state_is_complete,
    "codes pack and unpack": deployed.codes_pack_and_unpack,
    "products are exact": multiplied.products_are_exact,
    "engine is evaluation": deployed.engine_is_evaluation,
    "files are faithful": deployed.files_are_faithful,
    "copies are equal": identity.copies_are_equal,
    "spec string says all": identity.spec_string_says_all,
}

# What can be tried on a quantizer without a sound codebook, from which kernels could be made.
WITHOUT_CODEBOOK = [
    "arguments are checked",
    "encode is total",
    "encode is monotone",
    "encode is elementwise",
    "copies are equal",
    "spec string says all",
]
