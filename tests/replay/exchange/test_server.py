"""The exchange as a process and as a listener: its line, its clock, its ends, and its one sentence when it cannot."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from events.event import Event
from replay.exchange.__main__ import main
from replay.exchange.auth import KeyType
from replay.exchange.pump import Start
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions, PortTaken, serve
from replay.exchange.times import nanoseconds_of
from replay.tapes import TapeUnreadable, generated_tape
from tests.replay.exchange.market import HOUR, START, ListTape, at, rate, snapshot, trade
from tests.replay.exchange.running import PRODUCT, Feed, running

ROOT = Path(__file__).parents[3]


def test_it_says_where_it_listens_in_one_line_and_leaves_on_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "replay.exchange", "--seed", "7", "--speed", "max", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            ready = json.loads(started.stdout.readline())
            assert set(ready) == {"rest", "ws", "key_file", "clock", "speed"}
            assert ready["speed"] == "max"
            assert stat.S_IMODE(Path(ready["key_file"]).stat().st_mode) == 0o600
            reply = requests.get(ready["rest"] + "/api/v3/brokerage/time", timeout=5)
            assert reply.json()["iso"] == ready["clock"]
        finally:
            started.send_signal(signal.SIGTERM)
            rest, complaints = started.communicate(timeout=10)
        assert (started.returncode, rest, complaints) == (0, "", "")


def test_a_port_in_use_is_one_sentence_and_exit_code_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port), "--data-dir", str(tmp_path)]) == 1
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert f"port {port}" in complaint
    assert "0 for a free one" in complaint


def test_a_tape_that_is_none_is_one_sentence_and_exit_code_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shopping.txt"
    path.write_text("milk\n")
    for tape in (path, tmp_path / "missing"):
        assert main(["--tape", str(tape), "--data-dir", str(tmp_path)]) == 1
        complaint = capsys.readouterr().err
        assert complaint.count("\n") == 1
        assert str(tape) in complaint


@pytest.mark.parametrize("arguments", [["--speed", "0"], ["--speed", "fast"], ["--start-cash", "-1"], ["--start", "x"]])
def test_an_option_that_makes_no_sense_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2


def test_a_settlement_time_that_is_none_stops_the_start(tmp_path: Path) -> None:
    rules = VenueRules(settlement_times_utc=("noon",))
    with pytest.raises(ValueError, match="not a time of day"):
        serve(ExchangeOptions(tape=ListTape([snapshot(0)]), rules=rules, folder=tmp_path))


def test_a_port_that_is_taken_raises_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        options = ExchangeOptions(tape=ListTape([snapshot(0)]), port=taken.getsockname()[1], folder=tmp_path)
        with pytest.raises(PortTaken):
            serve(options)
    assert list(tmp_path.iterdir()) == []


def test_a_tape_that_breaks_in_the_middle_ends_the_exchange_with_its_error(tmp_path: Path) -> None:
    class Broken(ListTape):
        def __iter__(self) -> Iterator[tuple[int, Event]]:
            yield snapshot(0)
            yield trade(1, 60_010)
            raise TapeUnreadable(Path("broken.gz"), 3, "is cut", "record it again")

    options = ExchangeOptions(tape=Broken([]), speed=None, start=Start.NOW, folder=tmp_path)
    with pytest.raises(TapeUnreadable, match="line 3"):
        serve(options, on_ready=lambda _: None)


@pytest.mark.parametrize("key_type", ["ec", "ed25519"])
def test_either_kind_of_key_opens_it(tmp_path: Path, key_type: KeyType) -> None:
    options = ExchangeOptions(tape=ListTape([snapshot(0)]), key_type=key_type, folder=tmp_path)
    with running(options) as client:
        assert client.get("/key_permissions")["can_trade"] is True


def test_the_first_book_is_known_before_the_tape_starts(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0), rate(0, 0, "0.0001"), trade(1, 60_010)])
    with running(ExchangeOptions(tape=tape, start=Start.RESUME, folder=tmp_path)) as client:
        assert client.get("/product_book", product_id=PRODUCT)["mid_market"] == "60005"
        assert client.get(f"/products/{PRODUCT}")["future_product_details"]["funding_rate"] == "0.0001"
        books = client.control("books")
        assert (books["started"], books["ended"], books["time_ns"]) == (False, False, str(START))


def test_the_clock_stands_until_somebody_listens_and_after_the_end(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0), trade(0.2, 60_010), trade(0.5, 60_015)])
    with running(ExchangeOptions(tape=tape, speed=10.0, folder=tmp_path, quiet_s=0.01)) as client:
        assert client.get("/time")["iso"] == client.ready.clock
        with Feed(client) as feed:
            feed.subscribe("heartbeats")
            assert client.get("/time")["iso"] == client.ready.clock
            feed.subscribe("market_trades")
            feed.of("market_trades", 2)
            client.until_ended()
            assert nanoseconds_of(client.get("/time")["iso"]) == at(0.5)
            assert feed.of("heartbeats")[0]["timestamp"] == "2026-03-02T14:00:00.500000Z"


def test_at_a_speed_time_passes_between_the_facts_but_never_beyond_the_next(tmp_path: Path) -> None:
    tape = ListTape([snapshot(0), trade(1, 60_010), trade(HOUR, 60_015)])
    with running(ExchangeOptions(tape=tape, speed=100.0, start=Start.NOW, folder=tmp_path)) as client:
        times = [nanoseconds_of(client.get("/time")["iso"]) for _ in range(20)]
    assert times == sorted(times)
    assert len(set(times)) > 10
    assert all(START <= time < at(HOUR) for time in times)


def test_funding_falls_due_while_nothing_happens_on_the_tape(tmp_path: Path) -> None:
    facts = [snapshot(0), trade(0.1, 60_010), rate(0.2, HOUR, "0.0001"), trade(3 * HOUR, 60_010)]
    tape = ListTape(facts)
    with running(ExchangeOptions(tape=tape, speed=20_000.0, start=Start.RESUME, folder=tmp_path)) as client:
        client.market("long", "BUY", 10)
        client.control("resume")
        books = client.control("books")
        while not books["fundings"]:
            assert not books["ended"]
            books = client.control("books")
        assert books["fundings"][0]["amount"] == "-0.6001"
        assert nanoseconds_of(books["time"]) > at(HOUR)


def test_the_same_tape_at_full_speed_ends_at_the_same_books(tmp_path: Path) -> None:
    tape = generated_tape(seed=9, duration_s=60)
    found = []
    for name in ("first", "second"):
        options = ExchangeOptions(tape=tape, speed=None, start=Start.RESUME, folder=tmp_path / name)
        with running(options) as client:
            client.market("a", "BUY", 20)
            client.limit("b", "SELL", 20, 75_000)
            client.control("resume")
            client.until_ended()
            found.append((client.control("books"), client.get("/product_book", product_id=PRODUCT)))
    assert found[0] == found[1]


def test_tls_is_served_with_an_authority_that_clients_can_trust(tmp_path: Path) -> None:
    pytest.importorskip("trustme")
    options = ExchangeOptions(tape=ListTape([snapshot(0)]), folder=tmp_path, tls=True)
    with running(options) as client:
        assert client.ready.rest.startswith("https://127.0.0.1:")
        assert client.ready.ws.startswith("wss://")
        assert client.ready.ca_file is not None
        assert client.get("/accounts")["size"] == 1
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(client.ready.rest + "/control/books", timeout=5)


def test_a_client_may_go_away_at_any_time(tmp_path: Path) -> None:
    tape = generated_tape(seed=4)
    with running(ExchangeOptions(tape=tape, speed=None, folder=tmp_path)) as client:
        with Feed(client) as gone:
            gone.subscribe("level2")
            gone.socket.shutdown()  # type: ignore[no-untyped-call]  # the library's own: no closing words
        with Feed(client) as feed:
            feed.subscribe("level2")
            feed.of("l2_data", 500)
