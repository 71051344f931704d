"""A whole live session against the local exchange while faults strike, and what must be true of it afterwards."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import requests
import zstandard

from actors.connection.client.replies import Order
from actors.operator import NotRunning, act
from actors.settings import load
from actors.system import Ended
from events.event import Event
from events.feeds import FeedGapFound, FeedLost, FeedSubscribed, FeedWentSilent
from events.log import BEGINNING, read_commits
from events.money import use_exact_arithmetic
from events.orders import OrderFilled, OrderSubmitted
from events.record import Record
from events.session import StopRequested
from events.terms import Side
from projections.orders import Orders
from replay.exchange.server import ExchangeOptions, Ready, serve
from replay.statement import statement
from replay.tapes import generated_tape
from replay.verify import verify
from scripts.cli.running import client_of, run
from tests.scenarios.demos import EXCHANGE_ID

#: Without brackets, which would outlive a session that ends with a position.
PLAIN = "\n[orders]\nprotective_bracket = false\n"
#: No step of a session takes longer; one that does is stuck.
STUCK_S = 240.0
#: What a token looks like, whoever signed it.
_TOKEN = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.")
Fault = Mapping[str, object]
Told = TypeVar("Told", bound=Event)


def configuration(ready: Ready, log: Path) -> str:
    """Looks at the market every second of its time, and always wants something."""
    ca_file = f'ca_file = "{ready.ca_file}"\n' if ready.ca_file else ""
    return f"""\
mode = "live"
data_dir = "{log}"

[exchange]
rest = "{ready.rest}"
ws = "{ready.ws}"
user_ws = "{ready.ws}"
key_file = "{ready.key_file}"
{ca_file}clock = "tape"

[feeds]
capture = "{log.parent / "frames"}"

[journal]
hosting = "turn"

[products."BTC-PERP"]
exchange_id = "{EXCHANGE_ID}"

[marks]
interval_s = 2

[strategies.eager]
uses = "tests.scenarios.eager:Eager"
product = "BTC-PERP"
"""


class Session:
    """One exchange and one trading system, both in threads of this process, over real sockets."""

    def __init__(self, folder: Path, *, speed: float, tls: bool, more: str = PLAIN) -> None:
        """`more` is written below the configuration."""
        self.folder = folder
        self._more = more
        self.log = folder / "log"
        self.sentences: list[str] = []
        self.ended: Ended | None = None
        self.error: BaseException | None = None
        self._speed = speed
        self._tls = tls
        self._exchange: threading.Thread | None = None
        self._system: threading.Thread | None = None
        self.books: dict[str, object] = {}
        self.at_the_exchange: list[Order] = []
        self._records: list[Record] = []
        self._place = BEGINNING
        self._log_is_there = False
        self.ready = self.open_exchange(port=0)

    def open_exchange(self, port: int) -> Ready:
        """The exchange, as its folder remembers it."""
        found: list[Ready] = []
        listening = threading.Event()

        def announce(ready: Ready) -> None:
            found.append(ready)
            listening.set()

        options = ExchangeOptions(
            tape=generated_tape(seed=1),
            speed=self._speed,
            tls=self._tls,
            port=port,
            folder=self.folder / "exchange",
            remember_as="generated-1",
        )
        self._exchange = threading.Thread(target=serve, args=(options,), kwargs={"on_ready": announce}, daemon=True)
        self._exchange.start()
        assert listening.wait(STUCK_S), "the exchange does not get ready"
        return found[0]

    def close_exchange(self) -> None:
        """The exchange goes; the trading system stays."""
        assert self._exchange is not None
        self.control("stop")
        self._exchange.join(STUCK_S)
        assert not self._exchange.is_alive(), "the exchange does not stop"

    def start(self) -> None:
        """Trade."""
        config = self.folder / "perptape.toml"
        config.write_text(configuration(self.ready, self.log) + self._more, encoding="utf-8")
        settings = load(config, {}).settings

        def live() -> None:
            use_exact_arithmetic()
            try:
                self.ended = run(settings, self.sentences.append)
            except BaseException as error:  # noqa: BLE001 - handed to the test
                self.error = error

        self.ended = self.error = None
        self._settings = settings
        self._system = threading.Thread(target=live, name="system", daemon=True)
        self._system.start()

    def stop(self) -> None:
        """Stop in order while the market stands still. Raises what ended the system."""
        assert self._system is not None
        self.control("pause")
        self.alive()
        act(self.log, StopRequested(reason="the scenario is over"))
        self._system.join(STUCK_S)
        assert not self._system.is_alive(), "the system does not stop"
        if self.error is not None:
            raise self.error
        self.books = self.control("books")
        client = client_of(self._settings.exchange)
        self.at_the_exchange = list(client.list_orders())
        client.close()

    def close(self) -> None:
        """Let nothing outlive the test."""
        if self._system is not None and self._system.is_alive():
            with suppress(NotRunning):
                act(self.log, StopRequested(reason="the test is over"))
            self._system.join(STUCK_S)
        if self._exchange is not None and self._exchange.is_alive():
            self.close_exchange()

    def alive(self) -> None:
        """Fail with what ended the system, if something did."""
        assert self._system is not None
        if not self._system.is_alive():
            raise AssertionError(f"the system ended by itself: {self.sentences}") from self.error

    def control(self, act: str, content: object = None) -> dict[str, object]:
        """`books` and `faults` look where nothing is given; everything else does something."""
        method = "GET" if act in ("books", "faults") and content is None else "POST"
        reply = requests.request(
            method, f"{self.ready.rest}/control/{act}", json=content, timeout=30, verify=self.ready.ca_file or True
        )
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def put(self, *faults: Fault) -> None:
        """Let faults strike from now on."""
        self.control("faults", list(faults))

    def wait_struck(self) -> None:
        """Until every fault is over."""
        self.wait(lambda: not self.control("faults")["faults"], lambda: f"faults to come: {self.control('faults')}")

    def wait_fills(self, more: int) -> None:
        """Until the log holds so many more fills than now: the system trades."""
        begun = len(self.told(OrderFilled))
        self.wait(lambda: len(self.told(OrderFilled)) >= begun + more, lambda: f"no {more} fills after {begun}")

    def wait_for(self, *kinds: type[Event]) -> None:
        """Until the log holds one of these."""
        self.wait(lambda: bool(self.told(*kinds)), lambda: f"none of {kinds} came")

    def wait(self, is_done: Callable[[], bool], why: Callable[[], str]) -> None:
        deadline = time.monotonic() + STUCK_S
        while not is_done():
            self.alive()
            assert time.monotonic() < deadline, f"stuck: {why()}"
            time.sleep(0.05)

    def told(self, *kinds: type[Event]) -> list[Record]:
        """What the log holds of some events, or of all, also while it is written."""
        if not self._log_is_there:
            self._log_is_there = (self.log / "events.jsonl").exists()
        if self._log_is_there:
            for commit in read_commits(self.log, after=self._place):
                self._records += commit.records
                self._place = commit.place
        return [record for record in self._records if isinstance(record.event, kinds)] if kinds else self._records

    def events(self, kind: type[Told]) -> list[Told]:
        """The events of one kind in the log."""
        return [record.event for record in self.told(kind) if isinstance(record.event, kind)]


@contextmanager
def session(folder: Path, *, speed: float = 30.0, tls: bool = False, more: str = PLAIN) -> Iterator[Session]:
    """A session under way: two fills are in the log, so that every part has done its work once."""
    opened = Session(folder, speed=speed, tls=tls, more=more)
    try:
        with everything_said() as said:
            try:
                opened.start()
                opened.wait_fills(2)
                yield opened
            finally:
                opened.close()
    finally:
        assert_no_secret(opened, said.getvalue())


@contextmanager
def everything_said() -> Iterator[io.StringIO]:
    """What anybody in this process logs, at debug level, with the traces of exceptions."""
    said = io.StringIO()
    listener = logging.StreamHandler(said)
    root = logging.getLogger()
    before = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        root.removeHandler(listener)
        root.setLevel(before)


def assert_no_secret(ended: Session, said: str) -> None:
    """No line of the key, not its name and no token, in what was logged and told, in the log and in the frames."""
    key = json.loads(Path(ended.ready.key_file).read_text(encoding="utf-8"))
    lines = [line for line in key["privateKey"].splitlines() if len(line) > 16 and "-----" not in line]
    assert lines, "the key is its own canary"
    texts = {"logging": said, "sentences": "\n".join([*ended.sentences, repr(ended.error)])}
    for file in (file for folder in (ended.log, ended.folder / "frames") for file in folder.rglob("*")):
        if file.is_file():
            texts[file.name] = opened_text(file)
    assert len(texts) > 3, texts.keys()
    for name, text in texts.items():
        assert not _TOKEN.search(text), f"a token is in {name}"
        assert not any(line in text for line in lines), f"a line of the key is in {name}"
        assert key["name"] not in text, f"the key's name is in {name}"


def opened_text(file: Path) -> str:
    """The content of a file, compressed or not, up to where it ends or breaks off."""
    content = file.read_bytes()
    if content[:4] == b"\x28\xb5\x2f\xfd":
        with (
            file.open("rb") as packed,
            zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as plain,
        ):
            content = plain.read()
    return content.decode("utf-8", errors="replace")


def must_hold(ended: Session) -> None:
    """No order twice, none lost, none stuck, the books right, and the log verifies."""
    use_exact_arithmetic()
    books = ended.books
    records = ended.told()
    there = ended.at_the_exchange
    ours = [order for order in there if order.client_order_id in _intents(records)]

    sent = Counter(record.event.order for record in records if isinstance(record.event, OrderSubmitted))
    assert set(sent.values()) <= {1}, "an intent was said twice"
    twice = {id_: count for id_, count in Counter(order.client_order_id for order in there).items() if count > 1}
    assert not twice, f"orders are twice at the exchange: {twice}"

    orders = Orders()
    for record in records:
        orders.fold(record)
    assert not orders.open_orders(), f"left open in our books: {orders.open_orders()}"
    assert ended.ended is not None
    assert ended.ended.unknown_orders == ()
    for order in ours:
        known = orders.get(order.client_order_id or "")
        assert known is not None
        assert known.filled_qty == order.filled_size, f"{known} is {order} at the exchange"

    account = statement(records)
    assert account.equity == Decimal(str(books["equity"])), f"{account} against {books}"
    assert {holding.product: holding.qty for holding in account.holdings if holding.qty} == {
        row["product"]: Decimal(row["qty"]) for row in _rows(books["positions"])
    }
    assert books["open_orders"] == 0
    entries = [event for record in records if is_entry(event := record.event)]
    assert entries, "nothing was ever bought"
    assert not (blind := entered_blind(records)), f"entries left while a feed was not whole: {blind}"
    report = verify(ended.log)
    assert report.verified, report


def is_entry(event: Event) -> bool:
    """The strategy here is flat or long: what it buys is an entry."""
    return isinstance(event, OrderSubmitted) and event.side is Side.BUY and not event.reduce_only


def entered_blind(records: Sequence[Record]) -> list[int]:
    """Entries that were said while the market or the account was not whole in sight."""
    whole: set[str] = set()
    blind = []
    for record in records:
        match record.event:
            case FeedSubscribed(feed=feed):
                whole.add(feed)
            case FeedLost(feed=feed) | FeedGapFound(feed=feed) | FeedWentSilent(feed=feed):
                whole.discard(feed)
            case event if is_entry(event) and not whole.issuperset(("market", "user")):
                blind.append(record.seq)
            case _:
                pass
    return blind


def _intents(records: Sequence[Record]) -> set[str]:
    return {record.event.order for record in records if isinstance(record.event, OrderSubmitted)}


def _rows(rows: object) -> list[dict[str, str]]:
    assert isinstance(rows, list)
    return rows
