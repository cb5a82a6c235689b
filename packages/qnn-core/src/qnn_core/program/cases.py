"""Who decides when a model runs as a program, and says why one does not."""

from threading import Lock
from typing import Any
from warnings import warn

from ..autodiff.mode import MODE, recording
from ..autodiff.tensor import Tensor
from ..errors import TrainingWarning
from .doubts import Doubts
from .guard import Guard
from .program import Program
from .record import Different, Record, Recorder

# Shapes of inputs that a model has programs for; runs whose gradients may be waited for at a time.
MOST_SHAPES, MOST_AT_ONCE = 8, 4
# Models that are kept at a time: a step may make one each time.
MOST_MODELS = 32
# Calls that are recorded before a model is given up, and programs that served for next to nothing.
MOST_RECORDS, MOST_VAIN, VAIN = 5, 3, 5


class Programs:
    """Runs models as programs (see `autodiff.mode.Compiler`).

    Attributes:
        reasons: why a model does not, by its class and the shapes of its inputs.
    """

    __slots__ = ("_models", "reasons")

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}
        self._models: dict[int, dict[Any, Case]] = {}

    def begin(self) -> Any:
        """Run models of this thread as programs from now on; return who did so before."""
        mode = MODE.here
        before = mode.compiler
        mode.compiler = self
        return before

    def end(self, before: Any) -> None:
        """Undo `begin`."""
        MODE.here.compiler = before

    def states(self) -> list[str]:
        """Return what runs of each model, and for which inputs, in words."""
        return [case.state() for cases in self._models.values() for case in cases.values()]

    def call(self, module: Any, inputs: tuple[Tensor, ...]) -> Any:
        """Return what a module makes of inputs, and leave to it what is called inside."""
        mode = MODE.here
        mode.compiler = None
        try:
            if not mode.grad or not module.training:
                return module.forward(*inputs)
            for x in inputs:
                if x.requires_grad or x.node is not None or x.quantized is not None:
                    # Its gradient may be asked for; products of codes have sums of their own.
                    return module.forward(*inputs)
            cases = self._models.get(id(module))
            if cases is None:
                if len(self._models) == MOST_MODELS:
                    del self._models[next(iter(self._models))]
                cases = self._models[id(module)] = {}
            key = tuple([(x.array.shape, x.array.dtype) for x in inputs])
            case = cases.get(key)
            if case is None:
                if len(cases) == MOST_SHAPES:
                    why = f"its inputs have more than {MOST_SHAPES} shapes"
                    self.reasons[type(module).__name__] = why
                    return module.forward(*inputs)
                case = cases[key] = Case(module, self.reasons, key)
            return case.run(inputs)
        finally:
            mode.compiler = self


class Case:
    """A model for inputs of one shape: recorded until two calls are alike, then a program.

    Args:
        module: the model.
        reasons: where it says why there is no program.
        shapes: of the inputs, each with its dtype.
    """

    __slots__ = (
        "_given_up",
        "_guard",
        "_lock",
        "_module",
        "_name",
        "_programs",
        "_reasons",
        "_record",
        "_recorded",
        "_served",
        "_shapes",
        "_vain",
    )

    def __init__(self, module: Any, reasons: dict[str, str], shapes: tuple[Any, ...]) -> None:
        self._module = module
        self._name = f"{type(module).__name__} of {', '.join(str(shape) for shape, _ in shapes)}"
        self._reasons = reasons
        self._shapes = shapes
        self._lock = Lock()
        self._record: Record | None = None
        self._recorded = self._served = self._vain = 0
        self._guard: Guard | None = None
        self._programs: list[Program] = []
        self._given_up = False

    def run(self, inputs: tuple[Tensor, ...]) -> Any:
        """Return the output, by a program if there is one that fits."""
        if self._given_up or not self._lock.acquire(blocking=False):
            return self._module.forward(*inputs)
        try:
            if self._guard is not None:
                if self._guard.holds():
                    program = self._free()
                    if program is None:
                        return self._module.forward(*inputs)
                    self._served += 1
                    # At 8, 16, 32 and so on, then at each 256th.
                    if self._served & 7 == 0 and (
                        self._served & 255 == 0 or self._served & (self._served - 1) == 0
                    ):
                        return self._checking(inputs)
                    return program.run(inputs)
                self._forget()
            return self._recording(inputs)
        finally:
            self._lock.release()

    def _free(self) -> Program | None:
        """Return a program whose last run is done with."""
        for program in self._programs:
            if program.differentiated:
                self._give_up("its derivatives are differentiated again")
                return None
            if not program.busy():
                return program
        if len(self._programs) == MOST_AT_ONCE:
            return None
        assert self._record is not None
        self._programs.append(Program(self._record, self._shapes))
        return self._programs[-1]

    def _forget(self) -> None:
        """Begin anew: the model has changed."""
        self._vain = self._vain + 1 if self._served < VAIN else 0
        self._guard, self._record, self._programs = None, None, []
        self._recorded = self._served = 0
        if self._vain == MOST_VAIN:
            self._give_up("its attributes, or what they hold, change again and again")

    def _recording(self, inputs: tuple[Tensor, ...]) -> Any:
        """Run the model, take note of what it does, and compare that with the call before."""
        if self._given_up:
            return self._module.forward(*inputs)
        before, self._record = self._record, None
        self._recorded += 1
        output, record, difference = self._recorded_call(inputs, before)
        self._record = record
        if difference:
            if self._recorded == MOST_RECORDS:
                self._give_up(difference)
        elif before is not None:
            self._guard = Guard(self._modules(), record.leaves.values())
        return output

    def _checking(self, inputs: tuple[Tensor, ...]) -> Any:
        """Run the model itself once more, and look whether it still does what the program does."""
        # The tape's arrays take their place.
        for program in self._programs:
            program.rest()
        output, _, difference = self._recorded_call(inputs, self._record)
        if difference:
            warn(
                f"{self._name}: it ran as a program {self._served - 1} times, without its forward, "
                f"which may have done something else in some of them: {difference}. Train it "
                "again without: fit(compiled=False), or a step that is not compiled",
                TrainingWarning,
                stacklevel=2,
            )
            self._programs, self._guard = [], None
            self._give_up(difference)
        return output

    def _recorded_call(self, inputs: tuple[Tensor, ...], before: Record | None) -> Any:
        """Return the output, the record if it can be one, and in what it is not like another."""
        # Tensors of its own: the same one may be given twice, or be an attribute of the model.
        own = tuple([x.detach() for x in inputs])
        recorder = Recorder(own)
        record = None
        doubts = Doubts(self._modules())
        with recording(recorder):
            output = self._module.forward(*own)
        try:
            doubts.check()
            record = recorder.finished(output)
            if before is not None:
                before.check_same(record)
        except Different as found:
            return output, record, str(found)
        return output, record, ""

    def _modules(self) -> list[Any]:
        return [module for _, module in self._module.named_modules()]

    def _give_up(self, why: str) -> None:
        self._given_up = True
        self._record, self._programs = None, []
        self._reasons[self._name] = why

    def state(self) -> str:
        """Return what of the model runs, in words."""
        if self._given_up:
            return f"{self._name}: as ever, since {self._reasons[self._name]}"
        return f"{self._name}: {'a program' if self._guard is not None else 'being recorded'}"
