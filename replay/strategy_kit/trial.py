"""The trial of a strategy: many generated streams, every law on each, and the simplest stream on which one fails.

Needs the extra `kit` (hypothesis draws the streams and makes a failing one simpler). The streams are the same at every
trial, so a verdict can be had again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from actors.strategies.loading import load_strategy
from events.configuration import StrategySetting
from events.log import MemoryLog
from events.money import use_exact_arithmetic
from events.orders import OrderFilled, OrderProposed
from events.record import Record
from events.strategy import DecisionMade
from replay.strategy_kit.fresh import FreshProcesses
from replay.strategy_kit.laws import DETERMINISTIC, Fault, first_fault
from replay.strategy_kit.markets import KINDS, LONGEST_S, Phase, Stream, tape_of
from replay.strategy_kit.sessions import Question, digest_of_records, digest_of_session, kept_something, run

#: A failing stream is made simpler for at most so long.
SHRINK_S = 20.0


class KitMissing(Exception):
    """hypothesis is not installed: the sentence says how to get it."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The simplest stream found on which a law does not hold."""

    stream: Stream
    fault: Fault


@dataclass
class Trial:
    """What was tried and seen. `failure` is None when every law held on every stream."""

    strategy: StrategySetting
    streams: int = 0
    looks: int = 0
    proposals: int = 0
    fills: int = 0
    failure: Failure | None = None
    _shrink_until: float = field(default=0.0, repr=False)

    def take(self, stream: Stream, fresh: FreshProcesses) -> bool:
        """Whether every law holds on the stream. The simplest one that fails is kept."""
        if self.failure is not None and (
            time.monotonic() > self._shrink_until or stream.weight >= self.failure.stream.weight
        ):
            return stream != self.failure.stream
        fault, records = examined(self.strategy, stream, fresh)
        if self.failure is None:
            self._count(records)
        if fault is None:
            return True
        if self.failure is None:
            self._shrink_until = time.monotonic() + SHRINK_S
        self.failure = Failure(stream=stream, fault=fault)
        return False

    def _count(self, records: list[Record]) -> None:
        kinds = [type(record.event) for record in records]
        self.streams += 1
        self.looks += kinds.count(DecisionMade)
        self.proposals += kinds.count(OrderProposed)
        self.fills += kinds.count(OrderFilled)


def examined(strategy: StrategySetting, stream: Stream, fresh: FreshProcesses) -> tuple[Fault | None, list[Record]]:
    """The first law that does not hold on a stream, and the session's records."""
    use_exact_arithmetic()
    question, log = Question(strategy, stream), MemoryLog()
    fresh.ask(question)
    run(strategy, tape_of(stream), log)
    records = list(log.records())
    digest, again = digest_of_records(records), digest_of_session(question)
    elsewhere = fresh.answers()
    fault = first_fault(records) or kept_something(strategy, records)
    if fault is None and again != digest:
        fault = Fault(law=DETERMINISTIC, seq=0, said="a second run of the same stream decided otherwise")
    if fault is None and any(there != digest for there in elsewhere):
        fault = Fault(law=DETERMINISTIC, seq=0, said="a fresh process with another hash seed decided otherwise")
    return fault, records


def tried(strategy: StrategySetting, *, examples: int, progress: Callable[[int], None] | None = None) -> Trial:
    """Try a strategy on so many streams. Raises `KitMissing`, and `StrategyNotLoaded` for one that cannot be made."""
    try:
        from hypothesis import HealthCheck, given, settings
        from hypothesis import Phase as Step
        from hypothesis import strategies as st
    except ImportError as error:
        raise KitMissing('testing a strategy needs hypothesis: pip install "perptape[kit]"') from error
    load_strategy(strategy)
    trial = Trial(strategy)
    phases = st.builds(
        Phase,
        kind=st.sampled_from(KINDS),
        seconds=st.integers(1, LONGEST_S),
        slope=st.integers(-20, 20),
        lot=st.integers(0, 999),
    )
    streams = st.builds(Stream, phases=st.lists(phases, min_size=1, max_size=8).map(tuple), stops=st.booleans())

    with FreshProcesses() as fresh:

        @settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Step.generate, Step.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(streams)
        def every_law_holds(stream: Stream) -> None:
            assert trial.take(stream, fresh)
            if progress:
                progress(trial.streams)

        try:
            every_law_holds()
        except Exception:
            if trial.failure is None:
                raise
    return trial
