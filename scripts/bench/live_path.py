"""P4 and P5: from a tick at the feed to the placed intent, and sustained market facts through all behaviours, log on.

References in the same run: bare pykka `tell` chains with the default inbox, of as many hops. The decisions' lag is
counted in records between a decision and its cause; a turn bounds it.
"""

from __future__ import annotations

import queue
import statistics
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pykka

from actors.behaviour import Seat
from actors.clocks import TapeClock
from actors.door import Door, Lane
from actors.hosts import ActorHost, TurnHost
from actors.journal import Journal
from actors.scribe import Scribe
from actors.seats import behaviour_names, make_seat
from actors.strategies.protocol import Decision, View
from actors.turns import Host
from events.configuration import Configuration, MarkSetting, ProductSetting, RiskLimits, StrategySetting
from events.log import FileLog
from events.money import ONE
from events.orders import OrderSubmitted
from events.record import AnyEvent, Record
from events.session import SessionStarted
from events.strategy import StrategyResumed
from events.terms import NANOSECONDS, Action, Clock
from replay.tapes import generated_tape
from replay.tapes.tape import Moment

#: Facts pushed through per measurement of P5, and ticks of P4.
FACTS = 20_000
TICKS = 300
#: Nothing here takes so long.
LIMIT_S = 120.0
#: From a tick to the intent: strategy, risk, orders.
HOPS = 3


def measure(rounds: int) -> dict[str, Any]:
    """Medians over alternating rounds. Times in microseconds, rates per second, lag in records."""
    tape = list(islice(generated_tape(seed=7, events_per_s=100).facts(), FACTS))
    slow = list(islice(generated_tape(seed=7, events_per_s=2).facts(), FACTS))
    runs: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        runs.setdefault(name, []).append(value)

    for _ in range(rounds):
        note("reference: tell chain of 7, per s", _chain_rate(7))
        for hosting in ("actors", "turn"):
            rate, lag = _sustained(hosting, tape)
            note(f"P5 {hosting}: facts per s", rate)
            note(f"P5 {hosting}: worst lag, records", lag)
        chain = _chain_latency(HOPS)
        note(f"reference: {HOPS} hops there and one back, p50 us", statistics.median(chain))
        note(f"reference: {HOPS} hops there and one back, p99 us", _p99(chain))
        for hosting in ("actors", "turn"):
            placed, barrier = _tick_to_intent(hosting, slow)
            note(f"P4 {hosting}: tick to intent p50 us", statistics.median(placed))
            note(f"P4 {hosting}: tick to intent p99 us", _p99(placed))
            note(f"P4 {hosting}: barrier p50 us", statistics.median(barrier))
    figures: dict[str, Any] = {name: round(statistics.median(values), 1) for name, values in runs.items()}
    reference = figures["reference: tell chain of 7, per s"]
    for hosting, wanted in (("actors", 0.6), ("turn", 1.5)):
        ratio = figures[f"P5 {hosting}: facts per s"] / reference
        figures[f"P5 {hosting}: ratio (first day >= {wanted})"] = round(ratio, 2)
    reference = figures[f"reference: {HOPS} hops there and one back, p99 us"]
    for hosting in ("actors", "turn"):
        figures[f"P4 {hosting}: p99 ratio (first day <= 2)"] = round(
            figures[f"P4 {hosting}: tick to intent p99 us"] / reference, 2
        )
    return figures


class _Link(pykka.ThreadingActor):
    """One bare hop: passes every message on."""

    use_daemon_thread = True

    def __init__(self, following: Callable[[Any], object]) -> None:
        super().__init__()
        self._following = following

    def on_receive(self, message: Any) -> None:
        self._following(message)


def _chain(hops: int, end: Callable[[Any], object]) -> list[pykka.ActorRef[_Link]]:
    links: list[pykka.ActorRef[_Link]] = []
    following = end
    for _ in range(hops):
        links.append(_Link.start(following))
        following = links[-1].tell
    return links[::-1]


def _chain_rate(hops: int) -> float:
    done = threading.Event()
    links = _chain(hops, lambda message: done.set() if message == FACTS else None)
    began = time.perf_counter()
    for number in range(1, FACTS + 1):
        links[0].tell(number)
    done.wait()
    rate = FACTS / (time.perf_counter() - began)
    for link in links:
        link.stop()
    return rate


def _chain_latency(hops: int) -> list[float]:
    back: queue.SimpleQueue[float] = queue.SimpleQueue()
    links = _chain(hops, lambda _: back.put(time.perf_counter()))
    taken = []
    for number in range(TICKS):
        began = time.perf_counter()
        links[0].tell(number)
        taken.append((back.get() - began) * 1e6)
    for link in links:
        link.stop()
    return taken


class _Timed:
    """A file log that notes when an intent was placed and how long the barrier took."""

    def __init__(self, log: FileLog) -> None:
        self._log = log
        self.placed: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.barriers: list[float] = []
        self.worst_lag = 0
        self.facts = 0
        self._intent = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def write(self, records: Sequence[Record]) -> None:
        now = time.perf_counter()
        self._intent = any(type(record.event) is OrderSubmitted for record in records)
        if self._intent:
            self.placed.put(now)
        for record in records:
            if record.cause is None:
                self.facts += 1
            elif record.seq - record.cause > self.worst_lag:
                self.worst_lag = record.seq - record.cause
        self._log.write(records)

    def commit(self, *, sync: bool) -> Any:
        began = time.perf_counter()
        place = self._log.commit(sync=sync)
        if self._intent:
            self.barriers.append((time.perf_counter() - began) * 1e6)
            self._intent = False
        return place


class _Running:
    """A journal with all behaviours over a log in a folder of its own."""

    def __init__(self, hosting: str, folder: Path, configuration: Configuration, start: int) -> None:
        seats = [make_seat(name, configuration) for name in behaviour_names(configuration)]
        self.host: Host = TurnHost(seats) if hosting == "turn" else ActorHost([[seat] for seat in seats])
        self.log = _Timed(FileLog.open(folder))
        self.door = Door()
        scribe = Scribe(log=self.log, host=self.host, last_at=0, code="bench", make_seat=_no_second)  # type: ignore[arg-type]  # adds timing to a FileLog
        self.journal = Journal.start(door=self.door, scribe=scribe, clock=TapeClock(start), on_broken=_give_up)
        started = SessionStarted(session="bench", configuration=configuration, clock=Clock.TAPE, code="bench")
        self.say("session", started)

    def say(self, by: str, event: AnyEvent, lane: Lane = Lane.OPERATOR) -> None:
        """Tell the door and wait until it is durable."""
        durable = threading.Event()
        self.door.tell(by, [event], lane, None, lambda _seq: durable.set())
        if not durable.wait(LIMIT_S):
            raise RuntimeError("the journal did not answer")

    def hear_all(self) -> None:
        """Wait until everything told so far is heard."""
        self.say("bench", StrategyResumed(strategy="none", reason=""), lane=Lane.MARKET)

    def close(self) -> None:
        self.door.close()
        self.journal.stop()
        self.host.close()
        self.log.close()


def _sustained(hosting: str, tape: Sequence[Moment]) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        running = _Running(hosting, Path(folder), _configuration("baseline", interval_s=60), tape[0][0])
        began = time.perf_counter()
        for at, event in tape:
            running.door.tell("market", [event], Lane.MARKET, at)
        running.hear_all()
        rate = len(tape) / (time.perf_counter() - began)
        lag = running.log.worst_lag
        running.close()
    return rate, lag


def _tick_to_intent(hosting: str, tape: Sequence[Moment]) -> tuple[list[float], list[float]]:
    """From the market fact that begins a second to the placed intent: tick, strategy, risk, orders."""
    with tempfile.TemporaryDirectory() as folder:
        running = _Running(hosting, Path(folder), _configuration(f"{__name__}:Restless", interval_s=1), tape[0][0])
        taken: list[float] = []
        second = tape[0][0] // NANOSECONDS
        for at, event in tape:
            if at // NANOSECONDS == second:
                running.door.tell("market", [event], Lane.MARKET, at)
                continue
            second = at // NANOSECONDS
            running.hear_all()
            while not running.log.placed.empty():
                running.log.placed.get()
            began = time.perf_counter()
            running.door.tell("market", [event], Lane.MARKET, at)
            running.hear_all()
            if not running.log.placed.empty():  # at some ticks it waits for an order, and says nothing
                taken.append((running.log.placed.get() - began) * 1e6)
            if len(taken) == TICKS:
                break
        barriers = running.log.barriers
        running.close()
    return taken, barriers


def _configuration(strategy: str, *, interval_s: int) -> Configuration:
    return Configuration(
        mode="paper",
        products={"BTC-PERP": ProductSetting(exchange_id="BIP-20DEC30-CDE")},
        marks=MarkSetting(interval_s=interval_s),
        risk=RiskLimits(max_position_pct_per_symbol=ONE, max_exposure_pct=ONE, max_daily_loss_pct=ONE),
        strategies={"bench": StrategySetting(uses=strategy, product="BTC-PERP")},
    )


def _no_second(name: str) -> Seat:
    raise SystemExit(f"{name} failed in the middle of a measurement")


class Restless:
    """Enters at every look when flat, leaves at the next: as many intents as may be."""

    window = 1

    def decide(self, view: View) -> Decision:
        if view.qty:
            return Decision(action=Action.CLOSE, reason="Again")
        return Decision(action=Action.BUY, reason="Once more", target_notional=Decimal(2_000))


def _give_up(error: BaseException) -> None:
    traceback.print_exception(error)


def _p99(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]
