"""A settlement, a sweep, deposits and withdrawals at the exchange, over real sockets: everything ties out to the digit.

The exchange tells of none of them. What became of the cash is concluded from its balances, and held against its books.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import msgspec

from actors.operator import act
from actors.settings import load
from actors.system import Ended
from events.account import ExternalFlow, FlowNamed, SweepReported, TieOutMeasured
from events.catalog import MarginRates, ProductListed
from events.funding import FundingAccrued, FundingPaid
from events.money import ZERO, use_exact_arithmetic
from events.terms import NANOSECONDS
from projections.portfolio import Portfolio
from projections.sightings import Sightings
from replay.exchange.rules import VenueRules
from replay.exchange.server import ExchangeOptions, Ready, serve
from replay.statement import statement
from replay.tapes import generated_tape
from replay.tapes.generated import BIP
from replay.verify import verify
from scripts.cli.running import run
from tests.scenarios import faulty
from tests.streams.desk import of_kind

#: 2026-03-02 15:58 UTC. Funding of 16:00 is paid with a settlement five minutes later, for its rate comes after it.
BEFORE_FOUR = 1_772_467_080 * NANOSECONDS
SETTLES_AT = "16:05"
D = Decimal


class Vault(faulty.Session):
    """The session of the fault table on another afternoon, with a spot wallet, and with a strategy that holds."""

    product: ProductListed = BIP

    def open_exchange(self, port: int) -> Ready:
        found: list[Ready] = []
        listening = threading.Event()

        def announce(ready: Ready) -> None:
            found.append(ready)
            listening.set()

        options = ExchangeOptions(
            tape=generated_tape(seed=3, start=BEFORE_FOUR, events_per_s=2, product=self.product),
            rules=VenueRules(spot_cash=D(20_000), settlement_times_utc=(SETTLES_AT,)),
            speed=60.0,
            port=port,
            folder=self.folder / "exchange",
        )
        self._exchange = threading.Thread(target=serve, args=(options,), kwargs={"on_ready": announce}, daemon=True)
        self._exchange.start()
        assert listening.wait(faulty.STUCK_S), "the exchange does not get ready"
        return found[0]

    def start(self) -> None:
        config = self.folder / "perptape.toml"
        text = faulty.configuration(self.ready, self.log).replace("eager:Eager", "holder:Holder")
        text = text.replace(BIP.exchange_id, self.product.exchange_id)
        config.write_text(
            f'{text}{faulty.PLAIN}\n[account]\nsettlement_times_utc = ["{SETTLES_AT}"]\n', encoding="utf-8"
        )
        self._settings = load(config, {}).settings

        def live() -> None:
            use_exact_arithmetic()
            try:
                self.ended: Ended | None = run(self._settings, self.sentences.append)
            except BaseException as error:  # noqa: BLE001 - handed to the test
                self.error = error

        self._system = threading.Thread(target=live, name="system", daemon=True)
        self._system.start()

    def money(self, **acted: str) -> None:
        """Move money at the exchange, by its own hand."""
        self.control("acts", acted)

    def gap(self) -> Decimal:
        """What nothing explains at the last sighting of the account."""
        portfolio, sightings = Portfolio(), Sightings()
        for record in self.told():
            portfolio.fold(record)
            sightings.fold(record, portfolio)
        assert sightings.last is not None
        tie = sightings.balanced(sightings.last, portfolio)
        assert tie is not None
        return tie.gap


class InternationalVault(Vault):
    """The same with a perpetual of the retired family, which settles every five minutes and has no spot wallet."""

    product = msgspec.structs.replace(
        BIP,
        exchange_id="BTC-PERP-INTX",
        venue="INTX",
        contract_size=D(1),
        price_increment=D("0.1"),
        size_increment=D("0.0001"),
        min_size=D("0.0001"),
        quote_currency="USDC",
        contract_expiry=None,
        intraday_margin=MarginRates(long=D("0.1"), short=D("0.1")),
        overnight_margin=MarginRates(long=D("0.1"), short=D("0.1")),
        max_leverage=D(10),
    )


@contextmanager
def vault(folder: Path, kind: type[Vault] = Vault) -> Iterator[Vault]:
    opened = kind(folder, speed=60.0, tls=False)
    try:
        opened.start()
        opened.wait_fills(1)
        yield opened
    finally:
        opened.close()


def test_an_international_account_settles_every_five_minutes_and_ties_out(tmp_path: Path) -> None:
    use_exact_arithmetic()
    with vault(tmp_path, InternationalVault) as held:
        held.wait_for(FundingPaid)
        held.stop()
    events = [record.event for record in held.told()]
    assert (
        sum((event.amount for event in of_kind(events, FundingPaid)), ZERO) == D(str(held.books["funding_paid"])) != 0
    )
    assert held.gap() == 0
    assert statement(held.told()).equity == D(str(held.books["equity"]))
    assert verify(held.log).verified


def test_a_settlement_a_sweep_and_flows_tie_out_to_the_last_digit(tmp_path: Path) -> None:
    use_exact_arithmetic()
    with vault(tmp_path) as held:
        held.money(act="sweep", amount="500")
        held.wait_for(SweepReported)
        held.wait_for(FundingPaid)
        held.money(act="deposit", amount="5000")
        held.wait_for(ExternalFlow)
        held.money(act="to_futures", amount="1000")
        act(held.log, FlowNamed(amount=D(-300), name="rent"))
        held.money(act="withdraw", amount="300")
        held.wait(lambda: len(held.told(ExternalFlow)) == 2, lambda: "the withdrawal was not found")
        held.stop()

    assert held.error is None
    events = [record.event for record in held.told()]
    paid = of_kind(events, FundingPaid)
    flows = [(flow.amount, flow.name) for flow in of_kind(events, ExternalFlow)]
    assert all(event.inferred for event in paid)
    assert sum((event.amount for event in paid), ZERO) == D(str(held.books["funding_paid"])) != 0
    assert flows == [(D(5_000), None), (D(-300), "rent")]
    assert of_kind(events, FundingAccrued)
    assert held.gap() == 0
    assert all(measured.difference == 0 for measured in of_kind(events, TieOutMeasured)[-1:])
    assert statement(held.told()).equity == D(str(held.books["equity"]))
    assert verify(held.log).verified
