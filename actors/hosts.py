"""The hosts: who runs the behaviours. The decisions are the same in all of them.

`TurnHost` calls them inside the journal's turn: lowest latency, no isolation from one that hangs. `ActorHost` gives
each mailbox (by default one a behaviour) a pykka actor of its own: isolated, and left behind when it does not answer
in time.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pykka

from actors.behaviour import Diverged, Seat
from actors.turns import Answer, Failure, Heard
from events.event import Event
from events.money import use_exact_arithmetic
from events.record import Record

#: Records that only wait to be folded are told at last when they are so many.
MOST_WAITING = 512


class TurnHost:
    """Behaviours called directly, in the order of their names, by the thread that calls `hear`."""

    def __init__(self, seats: Iterable[Seat]) -> None:
        self._seats: dict[str, Seat] = {}
        self._listeners: dict[type[Event], tuple[Seat, ...]] = {}
        for seat in seats:
            self._seats[seat.name] = seat
        self._arrange()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._seats))

    def hear(self, records: Sequence[Record]) -> Heard:
        answers: list[Answer] = []
        failures: list[Failure] = []
        for record in records:
            for seat in self._listeners.get(type(record.event), ()):
                try:
                    said = seat.hear(record)
                except Diverged:
                    raise
                except Exception as error:  # noqa: BLE001 - the supervisor's edge: one behaviour's bug is a fact
                    failures.append(Failure(record.seq, seat.name, _described(error)))
                    self._leave_out(seat.name)
                    continue
                if said:
                    answers += [Answer(record.seq, seat.name, i, event) for i, event in enumerate(said)]  # type: ignore[arg-type]  # behaviours say members of the closed union
        return Heard(answers, failures)

    def snapshot(self) -> dict[str, bytes]:
        return {name: self._seats[name].snapshot() for name in sorted(self._seats)}

    def admit(self, seat: Seat) -> None:
        self._seats[seat.name] = seat
        self._arrange()

    def close(self) -> None:
        self._seats.clear()
        self._listeners.clear()

    def _leave_out(self, name: str) -> None:
        del self._seats[name]
        self._arrange()

    def _arrange(self) -> None:
        listeners: dict[type[Event], tuple[Seat, ...]] = {}
        for name in sorted(self._seats):
            for kind in self._seats[name].hears:
                listeners[kind] = (*listeners.get(kind, ()), self._seats[name])
        self._listeners = listeners


class _Tell(NamedTuple):
    """A wave's records for one mailbox."""

    wave: int
    records: list[Record]


class _Admit(NamedTuple):
    seat: Seat


class _AskSnapshot(NamedTuple):
    wave: int


class _Reply(NamedTuple):
    wave: int
    mailbox: str
    heard: Heard
    snapshot: dict[str, bytes] | None = None
    broken: BaseException | None = None


class Mailbox(pykka.ThreadingActor):
    """A pykka actor around a few behaviours: hears waves, replies with their answers."""

    use_daemon_thread = True  # one that hangs must not keep the process alive

    @staticmethod
    def _create_actor_inbox() -> Any:
        return queue.SimpleQueue()  # four times the throughput of pykka's default; waves bound it

    def __init__(self, name: str, seats: Sequence[Seat], replies: queue.SimpleQueue[_Reply]) -> None:
        super().__init__()
        self._name = name
        self._inner = TurnHost(seats)
        self._replies = replies

    def on_start(self) -> None:
        use_exact_arithmetic()

    def on_receive(self, message: Any) -> Any:
        if isinstance(message, _Tell):
            try:
                reply = _Reply(message.wave, self._name, self._inner.hear(message.records))
            except BaseException as broken:  # noqa: BLE001 - handed to the journal, which stops the system loudly
                reply = _Reply(message.wave, self._name, Heard([], []), broken=broken)
            self._replies.put(reply)
        elif isinstance(message, _AskSnapshot):
            self._replies.put(_Reply(message.wave, self._name, Heard([], []), self._inner.snapshot()))
        elif isinstance(message, _Admit):
            self._inner.admit(message.seat)


class _Box:
    """The journal's side of a mailbox. `waiting`: records it only folds, told with the next that it may answer."""

    def __init__(self, ref: pykka.ActorRef[Mailbox], seats: Sequence[Seat]) -> None:
        self.ref = ref
        self.seats = {seat.name: seat for seat in seats}
        self.hears = frozenset[type[Event]]().union(*(seat.hears for seat in seats))
        self.answers = frozenset[type[Event]]().union(*(seat.answers for seat in seats))
        self.waiting: list[Record] = []


class ActorHost:
    """Behaviours in mailboxes. One that does not answer within `answer_limit_s` is left out with its mailbox."""

    def __init__(self, mailboxes: Iterable[Sequence[Seat]], *, answer_limit_s: float = 5.0) -> None:
        self._answer_limit_s = answer_limit_s
        self._replies: queue.SimpleQueue[_Reply] = queue.SimpleQueue()
        self._boxes: dict[str, _Box] = {}
        self._left_out: set[str] = set()
        self._late: list[Failure] = []
        self._wave = 0
        for seats in mailboxes:
            self._open(seats)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(
            sorted(s.name for box in self._boxes.values() for s in box.seats.values() if s.name not in self._left_out)
        )

    def hear(self, records: Sequence[Record]) -> Heard:
        called: list[str] = []
        for name, box in self._boxes.items():
            is_called = False
            for record in records:
                kind = type(record.event)
                if kind in box.hears:
                    box.waiting.append(record)
                    is_called = is_called or kind in box.answers
            if is_called or len(box.waiting) >= MOST_WAITING:
                called.append(name)
        return self._tell(called)

    def _tell(self, called: Sequence[str]) -> Heard:
        """Tell these mailboxes what waits for them, and bring back their answers."""
        self._wave += 1
        told: dict[str, int] = {}
        heard = Heard([], self._late)
        self._late = []
        for name in called:
            box = self._boxes[name]
            records, box.waiting = box.waiting, []
            try:
                box.ref.tell(_Tell(self._wave, records))
                told[name] = records[0].seq
            except pykka.ActorDeadError:
                heard.failures.extend(self._abandon(name, records[0].seq, "its actor is dead", hung=False))
        replies = self._collect(told)
        for reply in replies:
            heard.answers.extend(reply.heard.answers)
            heard.failures.extend(reply.heard.failures)
        if len(replies) > 1:
            heard.answers.sort(key=_log_order)
        for name, first in told.items():  # what is still here did not answer
            error = f"no answer within {self._answer_limit_s:g} s"
            heard.failures.extend(self._abandon(name, first, error, hung=True))
        self._left_out.update(failure.actor for failure in heard.failures)
        heard.failures.sort()
        return heard

    def _catch_up(self) -> None:
        """Tell everybody what waits. Nothing of it can be answered; who fails over it is said with the next wave."""
        self._late += self._tell([name for name, box in self._boxes.items() if box.waiting]).failures

    def snapshot(self) -> dict[str, bytes]:
        self._catch_up()
        self._wave += 1
        asked = dict.fromkeys(self._boxes, 0)
        for box in self._boxes.values():
            box.ref.tell(_AskSnapshot(self._wave))
        replies = self._collect(asked)
        states = {name: state for reply in replies for name, state in (reply.snapshot or {}).items()}
        return {name: states[name] for name in sorted(states)}

    def admit(self, seat: Seat) -> None:
        self._catch_up()  # it has folded the log to its head: nothing older may reach it
        self._left_out.discard(seat.name)
        for box in self._boxes.values():
            if seat.name in box.seats:
                box.seats[seat.name] = seat
                box.ref.tell(_Admit(seat))
                return
        self._open([seat])

    def close(self) -> None:
        for box in self._boxes.values():
            box.ref.stop(block=False)
        for box in self._boxes.values():
            box.ref.actor_stopped.wait(self._answer_limit_s)
        self._boxes.clear()

    def _open(self, seats: Sequence[Seat]) -> None:
        name = "+".join(seat.name for seat in seats)
        self._boxes[name] = _Box(Mailbox.start(name, seats, self._replies), seats)

    def _collect(self, awaited: dict[str, int]) -> list[_Reply]:
        """Replies of this wave, removed from `awaited`; what is left there when time is up did not answer."""
        replies: list[_Reply] = []
        deadline = time.monotonic() + self._answer_limit_s
        while awaited:
            try:
                reply = self._replies.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if reply.wave != self._wave:
                continue  # a straggler's answer to a wave that went on without it
            if reply.broken is not None:
                raise reply.broken
            del awaited[reply.mailbox]
            replies.append(reply)
        return replies

    def _abandon(self, name: str, first: int, error: str, *, hung: bool) -> list[Failure]:
        box = self._boxes.pop(name)
        box.ref.stop(block=False)
        return [
            Failure(first, seat.name, error, hung) for seat in box.seats.values() if seat.name not in self._left_out
        ]


def _log_order(answer: Answer) -> tuple[int, str, int]:
    return answer[:3]


def _described(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}"
    return text if len(text) <= 500 else text[:497] + "..."
