"""Groups of parameters, each with hyperparameters of its own."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from ..autodiff import Parameter, Tensor
from ..errors import nearest

if TYPE_CHECKING:
    from .optimizer import Optimizer

PARAMETERS = "params"

# What an optimizer takes: parameters, (name, parameter) pairs, or groups of either kind.
Given = Iterable[Parameter] | Iterable[tuple[str, Parameter]] | Iterable[Mapping[str, Any]]


class Group(MutableMapping[str, Any]):
    """Parameters that are updated alike: ``group["lr"] = 0.01`` changes how from the next step on.

    The keys are ``"params"`` and the hyperparameters of the optimizer. One that the group does not
    have itself is the optimizer's; deleting it makes it so again. The only group of an optimizer
    has none itself: changing one is changing the optimizer's.

    Attributes:
        optimizer: whose group it is.
        names, parameters: what it updates; names are for messages.
        own: the hyperparameters that are not the optimizer's.

    Example:
        >>> import qnn_core as qnn
        >>> first, last = qnn.Parameter([1.0]), qnn.Parameter([2.0])
        >>> groups = [{"params": [first]}, {"params": [last], "lr": 0.01}]
        >>> optimizer = qnn.optim.SGD(groups, lr=0.1)
        >>> optimizer.param_groups
        (1 parameters with lr=0.1, 1 parameters with lr=0.01)
        >>> optimizer.param_groups[1]["lr"] = 0.001
    """

    def __init__(
        self, optimizer: "Optimizer", names: list[str], parameters: list[Parameter]
    ) -> None:
        self.optimizer = optimizer
        self.names = names
        self.own: dict[str, Any] = {}
        self.parameters = parameters

    def __getitem__(self, key: str) -> Any:
        if key == PARAMETERS:
            return list(self.parameters)
        return self.own[key] if key in self.own else self.optimizer.settings[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if key == PARAMETERS:
            raise ValueError(
                f"{type(self.optimizer).__name__}: the parameters of a group cannot be changed; "
                "make another optimizer"
            )
        self.optimizer.change({key: value}, self)

    def __delitem__(self, key: str) -> None:
        del self.own[key]
        self.optimizer.change({})

    def __iter__(self) -> Iterator[str]:
        return iter((PARAMETERS, *self.optimizer.settings))

    def __len__(self) -> int:
        return 1 + len(self.optimizer.settings)

    def __repr__(self) -> str:
        shown = {"lr": self["lr"]} | {n: v for n, v in self.own.items() if n != "schedule"}
        listed = ", ".join(f"{name}={value}" for name, value in sorted(shown.items()))
        return f"{len(self.parameters)} parameters with {listed}"


def groups_of(optimizer: "Optimizer", given: Given) -> tuple[list[Group], list[dict[str, Any]]]:
    """Return the groups that an optimizer is given, and the hyperparameters of each.

    Raises:
        ValueError: if a parameter is given twice, or there is none; for a group without parameters.
        TypeError: for what is no parameter.
    """
    name = type(optimizer).__name__
    entries = _listed(name, given)
    if any(isinstance(entry, Mapping) for entry in entries):
        described = [_described(name, entry) for entry in entries]
    else:
        described = [{PARAMETERS: entries}]
    groups: list[Group] = []
    seen: dict[int, str] = {}
    for group in described:
        names, parameters = _named(name, _listed(name, group.pop(PARAMETERS)), seen)
        groups.append(Group(optimizer, names, parameters))
    if not seen:
        raise ValueError(f"{name}: there are no parameters to optimize")
    return groups, described


def _listed(name: str, given: Any) -> list[Any]:
    if isinstance(given, Tensor):
        return [given]
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise TypeError(
            f"{name}: an optimizer takes parameters, such as model.parameters(), or a list of "
            f"groups; got a {type(given).__name__}"
        )
    return list(given)


def _described(name: str, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, Mapping) or PARAMETERS not in entry:
        raise ValueError(
            f"{name}: groups are dictionaries with {PARAMETERS!r} and hyperparameters of their "
            f"own; got {entry!r}"
        )
    return dict(entry)


def _named(
    optimizer: str, entries: list[Any], seen: dict[int, str]
) -> tuple[list[str], list[Parameter]]:
    """Return names and parameters; `seen` are those of the groups before."""
    names: list[str] = []
    parameters: list[Parameter] = []
    for entry in entries:
        name, parameter = entry if isinstance(entry, tuple) else (f"parameter {len(seen)}", entry)
        if not isinstance(parameter, Parameter):
            raise TypeError(
                f"{optimizer}: an optimizer takes parameters, such as model.parameters(), got "
                f"{parameter!r}"
            )
        if id(parameter) in seen:
            other = seen[id(parameter)]
            twice = f"{name} is given twice" if name == other else f"{name} is {other}"
            raise ValueError(
                f"{optimizer}: {twice} (shape {parameter.shape}): a parameter is updated once, in "
                "one group"
            )
        seen[id(parameter)] = name
        names.append(name)
        parameters.append(parameter)
    return names, parameters


def unknown(optimizer: str, name: str, known: Iterable[str]) -> ValueError:
    """Return the error for a hyperparameter that there is not."""
    known = sorted(known)
    return ValueError(
        f"{optimizer}: no hyperparameter {name!r}{nearest(str(name), known)} (there are: "
        f"{', '.join(known)})"
    )
