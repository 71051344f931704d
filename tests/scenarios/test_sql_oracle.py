"""An independent oracle: the books of a whole session, recomputed in SQL, equal the projections to the last digit.

The queries read the exported log and share no code, no numbers and no rounding with the projections.
"""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path

import duckdb
import msgspec
import pytest
from msgspec.structs import asdict

from events.account import BalanceReported, TransferReported
from events.codec import encode
from events.configuration import FeeSetting, PaperSetting
from events.funding import FundingPaid
from events.log import FileLog, read_records
from events.orders import FillCorrected, OrderFilled
from events.record import AnyEvent, Record
from events.session import SessionEnded
from events.terms import Side
from projections.portfolio import Portfolio
from replay.audit import QUERIES, AuditImpossible, Books, audit, compared
from replay.backtest import backtest
from replay.statement import statement
from replay.tapes import generated_tape
from tests.replay.markets import facts, trading
from tests.scripts.conftest import Perptape, perptape  # noqa: F401  # the fixture
from tests.streams.desk import HOUR, MONDAY
from tests.streams.facts import BIP, filled, listed, rate, started
from tests.streams.orders import marked

D = Decimal


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a backtest's log: 2 h 40 min of market, traded both ways, with two boundaries and a settlement."""
    folder = tmp_path_factory.mktemp("session")
    tape = generated_tape(seed=7, duration_s=9_600, events_per_s=1)
    paper = PaperSetting(fees=FeeSetting(per_contract=D("0.15")), settlement_times_utc=("15:20",))
    configuration = msgspec.structs.replace(trading(tape), paper=paper)
    log = FileLog.open(folder)
    try:
        backtest(facts(tape), session="s", start=tape.start, configuration=configuration, log=log)
    finally:
        log.close()
    return folder


def exported(perptape: Perptape, folder: Path, path: Path) -> Path:  # noqa: F811
    assert perptape("log", "export", folder, "--format", "jsonl", "--out", path).code == 0
    return path


def test_the_session_is_worth_the_oracle(session: Path) -> None:
    events = [record.event for record in read_records(session)]
    fills = [event for event in events if isinstance(event, OrderFilled)]
    assert {fill.side for fill in fills} == {Side.BUY, Side.SELL}
    assert len(fills) > 20
    assert any(fill.price % 5 for fill in fills)  # parts of one order at several prices
    assert sum(isinstance(event, FundingPaid) for event in events) == 1
    ours = statement(read_records(session))
    assert ours.holdings
    assert all((ours.realized_pnl, ours.unrealized_pnl, ours.fees, ours.funding))


def test_profit_fees_and_funding_in_sql_equal_the_projections_to_the_last_digit(
    session: Path,
    perptape: Perptape,  # noqa: F811
    tmp_path: Path,
) -> None:
    books = audit(exported(perptape, session, tmp_path / "log.jsonl"))
    ours = statement(read_records(session))
    assert [line for line in compared(books, ours) if not line.agrees] == []
    assert len(compared(books, ours)) == 6
    assert books.funding_recomputed == ours.funding
    assert ours.equity is not None
    assert books.start_equity is not None
    assert books.unrealized_pnl is not None
    assert ours.equity == books.start_equity + books.realized_pnl - books.fees + books.funding + books.unrealized_pnl


def test_the_queries_alone_run_in_any_duckdb(session: Path, perptape: Perptape, tmp_path: Path) -> None:  # noqa: F811
    path = exported(perptape, session, tmp_path / "log.jsonl")
    with duckdb.connect() as connection:
        connection.execute(f"set variable log = '{path}'")
        connection.execute(QUERIES.read_text())
        (booked,) = connection.execute("select sum(booked) from funding").fetchall()[0]
        boundaries = connection.execute("select booked = recomputed from funding order by boundary").fetchall()
        kinds = {kind for _, kind, *_ in connection.execute("describe result").fetchall()}
    assert booked == statement(read_records(session)).funding
    assert boundaries == [(True,), (True,)]
    assert all(kind.startswith("DECIMAL") for kind in kinds)


def test_an_export_to_parquet_holds_every_record(session: Path, perptape: Perptape, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "log.parquet"
    assert perptape("log", "export", session, "--format", "parquet", "--out", path).code == 0
    records = list(read_records(session))
    with duckdb.connect() as connection:
        rows = connection.execute(f'select seq, "at", "by", cause, "index", type from \'{path}\' order by seq')
        seen = rows.fetchall()
        fees = connection.execute(
            f"select sum(cast(event->>'fee' as decimal(38, 18))) from '{path}' where type = 'OrderFilled'"
        ).fetchall()
    assert seen == [(r.seq, r.at, r.by, r.cause, r.index, type(r.event).__name__) for r in records]
    assert fees == [(statement(records).fees,)]
    nowhere = perptape("log", "export", session, "--format", "parquet")
    assert (nowhere.code, nowhere.err) == (2, "perptape: --format parquet: name a file with --out\n")


def test_the_command_says_equal_and_says_which_figure_is_not(
    session: Path,
    perptape: Perptape,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = perptape("audit", session, "--json")
    assert said.code == 0
    assert said.json["agrees"] is True
    assert said.json["figures"]["fees"]["projections"] == str(statement(read_records(session)).fees)
    shown = perptape("audit", session).out
    assert shown.count("equal") == 6
    assert "100000 " in shown

    def audit_wrongly(path: Path) -> Books:
        books = audit(path)
        return msgspec.structs.replace(books, fees=books.fees + D("1E-18"))

    monkeypatch.setattr("scripts.cli.auditing.audit", audit_wrongly)
    wrong = perptape("audit", session)
    assert wrong.code == 6
    assert wrong.out.count("DIFFERENT") == 1


def written(path: Path, events: list[AnyEvent]) -> list[Record]:
    records = [Record(seq=seq, at=MONDAY + seq, by="test", event=event) for seq, event in enumerate(events, 1)]
    path.write_bytes(b"".join(encode(record) + b"\n" for record in records))
    return records


@pytest.mark.parametrize("seed", range(12))
def test_increases_reductions_closes_and_flips_of_any_size_share_cost_alike(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    events: list[AnyEvent] = [started(start_equity="1000"), listed(BIP)]
    held = D(0)
    for count in range(60):
        qty = D(chance.randrange(1, 40))
        if held and chance.random() < 0.3:
            qty = abs(held)
        side = chance.choice((Side.BUY, Side.SELL))
        held += side.sign * qty
        fee = D(chance.randrange(-50, 900)).scaleb(-3)
        price = D(chance.randrange(9_000_000, 9_900_000)).scaleb(-2)
        events.append(filled(side, qty, price, at=MONDAY + count, fee=fee))
    records = written(tmp_path / "log.jsonl", events)
    portfolio = Portfolio()
    for record in records:
        portfolio.fold(record)
    books = audit(tmp_path / "log.jsonl")
    assert (books.realized_pnl, books.fees) == (portfolio.realized, portfolio.fees)
    assert portfolio.realized % D("0.01")  # shares of cost that had to be rounded


def test_a_fill_that_was_taken_back_and_one_booked_anew_are_in_the_audit(tmp_path: Path) -> None:
    bought = filled(Side.BUY, "3", "50000", at=MONDAY, fee="0.30")
    sold = filled(Side.SELL, "1", "50100", at=MONDAY + 1, fee="0.10", order="o-2")
    taken_back = FillCorrected(
        **{**asdict(bought), "qty": D(-2), "value": D(-1_000), "fee": D("-0.20"), "filled_qty": D(1)}, why="a test"
    )
    anew = FillCorrected(**{**asdict(sold), "qty": D(0), "value": D("0.50"), "fee": D("0.01")}, why="a test")
    events: list[AnyEvent] = [started(start_equity="1000"), listed(BIP), marked("50000", at=MONDAY), bought, sold]
    records = written(tmp_path / "log.jsonl", [*events, taken_back, anew])
    books, ours = audit(tmp_path / "log.jsonl"), statement(records)
    assert all(line.agrees for line in compared(books, ours))
    assert (ours.holdings[0].qty if ours.holdings else D(0), ours.fees) == (D(0), D("0.21"))


def test_a_boundary_that_was_not_booked_shows(tmp_path: Path) -> None:
    bought = filled(Side.BUY, "3", "50000", at=MONDAY)
    mark, hour = marked("50000", at=MONDAY), rate(MONDAY + HOUR, "0.0001")
    events: list[AnyEvent] = [started(start_equity="1000"), listed(BIP), mark, bought, hour]
    written(tmp_path / "log.jsonl", events)
    books = audit(tmp_path / "log.jsonl")
    assert (books.funding, books.funding_recomputed) == (D(0), D("-0.15"))


def test_a_start_from_the_first_balance_contains_the_transfers_before_it(tmp_path: Path) -> None:
    def sent(transfer: str, amount: int, at: int) -> AnyEvent:
        return TransferReported(transfer=transfer, amount=D(amount), reason="test", exchange_at=at)

    balance = BalanceReported(spot_usd=D(40), futures_usd=D(960), unrealized=D(7), exchange_at=MONDAY)
    events = [started(), sent("t-1", 100, MONDAY - 1), balance, sent("t-2", 5, MONDAY + 1), sent("t-2", 5, MONDAY + 1)]
    records = written(tmp_path / "log.jsonl", events)
    books = audit(tmp_path / "log.jsonl")
    assert (books.start_equity, books.transfers) == (D(1_000), D(5))
    assert all(line.agrees for line in compared(books, statement(records)))


def test_an_open_position_without_a_price_has_no_gain_to_tell(tmp_path: Path) -> None:
    records = written(tmp_path / "log.jsonl", [started(), listed(BIP), filled(Side.BUY, "3", "50000", at=MONDAY)])
    books = audit(tmp_path / "log.jsonl")
    assert books.unrealized_pnl is None
    assert statement(records).unrealized_pnl is None


def test_a_number_that_does_not_fit_is_an_error_and_never_rounded(tmp_path: Path) -> None:
    written(tmp_path / "log.jsonl", [started(), listed(BIP, contract_size="0.0000001")])
    with pytest.raises(AuditImpossible, match="more than 6 decimals"):
        audit(tmp_path / "log.jsonl")


def test_a_number_written_with_an_exponent_is_read_exactly(tmp_path: Path) -> None:
    """Python writes small decimals so: a rate of zero accrues -0E-8, and a tenth of a millionth is 1E-7."""
    bought = filled(Side.BUY, "3", "50000", at=MONDAY, fee="-0E-8")
    small = TransferReported(transfer="t-1", amount=D("1.5E-7"), reason="test", exchange_at=MONDAY)
    events: list[AnyEvent] = [started(start_equity="1000"), listed(BIP), marked("50000", at=MONDAY), bought, small]
    records = written(tmp_path / "log.jsonl", events)
    assert b'"-0E-8"' in (tmp_path / "log.jsonl").read_bytes()
    books = audit(tmp_path / "log.jsonl")
    assert (books.fees, books.transfers) == (D(0), D("0.00000015"))
    assert all(line.agrees for line in compared(books, statement(records)))


def test_a_session_that_ended_is_not_needed(session: Path, tmp_path: Path) -> None:
    """A log in the middle of its session is audited as far as it goes."""
    records = [record for record in read_records(session) if record.seq <= 12_000]
    assert not any(isinstance(record.event, SessionEnded) for record in records)
    (tmp_path / "log.jsonl").write_bytes(b"".join(encode(record) + b"\n" for record in records))
    ours = statement(records)
    assert all(line.agrees for line in compared(audit(tmp_path / "log.jsonl"), ours))
    assert ours.funding
