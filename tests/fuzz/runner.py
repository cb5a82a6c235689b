"""Tries in processes of their own that may crash, hang or eat memory; and what came of them."""

import contextlib
import faulthandler
import gc
import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from targets import Case, Target

MIB = 2**20
TRIES_IN_A_PROCESS = 5000
SECONDS = 2.0  # of processor time, so that a busy machine is no hang
WAITED = 60.0  # of nothing at all: a try that waits for something
TIMES_HONEST = 10
LITTLE = 16 * MIB  # growth of a process that nobody asks about: allocators take more than is needed
MOST = 4096 * MIB  # of address space beyond what a process begins with

# Shared with a worker: the try it is at; how many were refused, accepted; the longest, and which.
_NOW = struct.Struct("qqqdq")


@dataclass(frozen=True)
class Finding:
    """A try that did what no file may do.

    Attributes:
        kind: crash, hang, memory, error or answer.
        number: of the try.
        told: what happened.
        place: where, to tell findings apart.
    """

    kind: str
    number: int
    told: str
    place: str = ""

    @property
    def signature(self) -> str:
        """What findings of one cause have in common."""
        return f"{self.kind} {self.place}" if self.place else f"{self.kind} {self.told}"


@dataclass
class Outcome:
    """What came of many tries."""

    tries: int = 0
    refused: int = 0
    accepted: int = 0
    seconds: float = 0.0
    worst_seconds: float = 0.0
    worst_number: int = -1
    worst_growth: int = 0
    honest_memory: int = 0
    worst_memory: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, Finding] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Count a finding; the first of each signature is kept."""
        self.counts[finding.signature] += 1
        self.first.setdefault(finding.signature, finding)


def case_of(target: Target, seed: int, number: int) -> Case:
    """Return the file of a try: it depends on the seed and the number only."""
    return target.make(Random(f"{target.name} {seed} {number}"))


def run(target: Target, tries: int, seed: int, *, first: int = 0, seconds: float = 1e9) -> Outcome:
    """Try `tries` mutated files, or as many as there is time for."""
    outcome = Outcome(honest_memory=max(_peak(target, case)[0] for case in target.honest()))
    begun, at = time.monotonic(), first
    until = begun + seconds
    suspects: list[int] = []
    while at < first + tries and time.monotonic() < until:
        stop = min(at + TRIES_IN_A_PROCESS, first + tries)
        at = _worker(target, seed, at, stop, until, outcome=outcome, suspects=suspects)
    outcome.tries, outcome.seconds = at - first, time.monotonic() - begun
    limit = max(TIMES_HONEST * outcome.honest_memory, LITTLE)
    for number in suspects:
        _confirm(target, seed, number, limit, outcome)
    return outcome


def _worker(
    target: Target,
    seed: int,
    start: int,
    stop: int,
    until: float,
    *,
    outcome: Outcome,
    suspects: list[int],
) -> int:
    """Fork, watch, and return the number of the next try."""
    shared = mmap.mmap(-1, _NOW.size)
    _NOW.pack_into(shared, 0, start, 0, 0, 0.0, -1)
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1  # where a try cannot even be made: told, and no other is skipped
        with contextlib.suppress(BaseException), os.fdopen(writing, "w") as notes:
            _tries(target, seed, range(start, stop), until, shared=shared, notes=notes)
            status = 0
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as notes:
        status, waited = _wait(child, shared)
        for line in notes:
            note = json.loads(line)
            if note["kind"] == "suspect":
                suspects.append(note["number"])
                outcome.worst_growth = max(outcome.worst_growth, int(note["told"]))
            else:
                outcome.add(Finding(**note))
    number, refused, accepted, worst, which = _NOW.unpack_from(shared)
    outcome.refused += refused
    outcome.accepted += accepted
    if worst > outcome.worst_seconds:
        outcome.worst_seconds, outcome.worst_number = worst, which
    if status == 0:
        return int(number)
    if waited or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF):
        outcome.add(Finding("hang", number, f"more than {SECONDS:g} s"))
        outcome.worst_seconds, outcome.worst_number = max(worst, SECONDS), number
    else:
        cause = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "its end"
        outcome.add(Finding("crash", number, f"the process was ended by {cause}"))
    return int(number) + 1


def _wait(child: int, shared: mmap.mmap) -> tuple[int, bool]:
    """Wait for the end of a worker, and end one that does nothing more."""
    at, since, pause = -1, time.monotonic(), 0.001
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status, False
        number = _NOW.unpack_from(shared)[0]
        if number != at:
            at, since = number, time.monotonic()
        elif time.monotonic() - since > WAITED:
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1], True
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def _tries(
    target: Target, seed: int, numbers: range, until: float, *, shared: mmap.mmap, notes: Any
) -> None:
    """Make tries until the time is over, in a worker."""
    _limit_memory()
    faulthandler.disable()  # the parent tells of crashes
    gc.freeze()
    refused = accepted = 0
    worst, which = 0.0, -1
    highest = _highest()
    end = numbers.stop
    for number in numbers:
        if time.monotonic() >= until:
            end = number
            break
        case = case_of(target, seed, number)
        _NOW.pack_into(shared, 0, number, refused, accepted, worst, which)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        begun = time.process_time()
        finding = attempt(target, case, number)
        spent = time.process_time() - begun
        signal.setitimer(signal.ITIMER_PROF, 0)
        if spent > worst:
            worst, which = spent, number
        if isinstance(finding, Finding):
            notes.write(json.dumps(vars(finding)) + "\n")
        refused, accepted = refused + (finding == "refused"), accepted + (finding == "accepted")
        now = _highest()
        if now > highest:
            if now - highest > LITTLE:
                note = {"kind": "suspect", "number": number, "told": str(now - highest)}
                notes.write(json.dumps(note) + "\n")
                now = _forget_highest()
            highest = now
        notes.flush()
    _NOW.pack_into(shared, 0, end, refused, accepted, worst, which)


def attempt(target: Target, case: Case, number: int = 0) -> Finding | str:
    """Read a file; return "refused", "accepted", or what is wrong."""
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            complaint = target.read(case)
    except target.errors as error:
        if not str(error):
            return Finding("error", number, f"{type(error).__name__} without a word")
        return "refused"
    except MemoryError:
        return Finding("memory", number, "MemoryError", _place())
    except BaseException as error:
        told = f"{type(error).__name__}: {str(error)[:200]}"
        return Finding("error", number, told, f"{type(error).__name__} in {_place()}")
    return Finding("answer", number, complaint, complaint[:60]) if complaint else "accepted"


def _place() -> str:
    """Return file and line of the project where an exception passed through last."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    ours = [f for f in frames if "qnn_" in f.filename] or frames
    name = "/".join(ours[-1].filename.split("/")[-2:])
    return f"{name}:{ours[-1].lineno}"


def _confirm(target: Target, seed: int, number: int, limit: int, outcome: Outcome) -> None:
    """Measure a try alone, whose process grew."""
    case = case_of(target, seed, number)
    memory, place = _peak(target, case)
    outcome.worst_memory = max(outcome.worst_memory, memory)
    if memory > max(limit, 2 * target.needed(case)):
        honest = outcome.honest_memory / MIB
        told = f"{memory / MIB:.0f} MiB; an honest file takes {honest:.1f} MiB at most"
        outcome.add(Finding("memory", number, told, place))


def _peak(target: Target, case: Case) -> tuple[int, str]:
    """Return the bytes that reading a file needs at most, and where the largest part is made."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with contextlib.suppress(BaseException):
            _limit_memory()
            gc.freeze()  # what the parent has is not looked through again: that would copy it
            highest = _forget_highest()
            tracemalloc.start()
            attempt(target, case)
            traced = tracemalloc.get_traced_memory()[1]
            grown = _highest() - highest
            # What C takes by itself is not traced; what tracing takes is not the file's.
            peak = traced if grown < traced + LITTLE else grown
            os.write(writing, json.dumps([peak, ""]).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        os.waitpid(child, 0)
        told = pipe.read()
    peak, place = json.loads(told) if told else (MOST, "its process was ended")
    return int(peak), str(place)


def _limit_memory() -> None:
    with open("/proc/self/statm", encoding="ascii") as statm:
        now = int(statm.read().split()[0]) * mmap.PAGESIZE
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST, resource.RLIM_INFINITY))


def _highest() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _forget_highest() -> int:
    """Begin to measure the most memory anew, and return what there is now."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")
    return _highest()


def lines(target: Target, outcome: Outcome) -> Iterator[str]:
    """Yield a report."""
    rate = outcome.tries / max(outcome.seconds, 1e-9)
    yield (
        f"{target.name}: {outcome.tries:,} tries in {outcome.seconds:,.1f} s ({rate:,.0f} a second)"
        f": {outcome.refused:,} refused, {outcome.accepted:,} accepted and right"
    )
    worst = max(outcome.worst_memory, min(outcome.worst_growth, LITTLE))
    yield (
        f"  worst time {outcome.worst_seconds * 1000:,.1f} ms (try {outcome.worst_number}); memory:"
        f" honest files {outcome.honest_memory / MIB:.2f} MiB, worst "
        + (f"{worst / MIB:.1f} MiB" if worst else f"below {LITTLE // MIB} MiB")
    )
    kinds = Counter[str]()
    for signature, count in outcome.counts.items():
        kinds[outcome.first[signature].kind] += count
    yield "  " + ", ".join(
        f"{name}: {kinds[kind]:,}"
        for kind, name in (
            ("crash", "crashes"), ("hang", f"hangs over {SECONDS:g} s"),
            ("memory", f"memory over {TIMES_HONEST} times the honest file's"),
            ("error", "foreign errors"), ("answer", "wrong answers"),
        )
    )  # fmt: skip
    for signature, count in outcome.counts.most_common():
        found = outcome.first[signature]
        where = f"[{found.place}] (first: try {found.number})"
        yield f"  {count:,} x {found.kind}: {found.told} {where}"
