"""What `perptape list` shows."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

from rich.text import Text

from actors.settings import DEFAULT_FILE, load
from events.catalog import ProductListed
from scripts.cli import places
from scripts.cli.reading import read_with_progress
from scripts.cli.shown import Json, console, duration, price, print_json, qty, table, time_utc
from scripts.cli.vocabulary import event_names


def products(log: Path | None, config: Path | None, *, as_json: bool) -> None:
    reader = read_with_progress(places.find_log(log, config))
    listed = [(name, reader.catalog.rules(name)) for name in reader.products()]
    if as_json:
        print_json({"products": [_product(name, rules) for name, rules in listed]})
        return
    made = table(
        "Products", "product", "exchange's id", "venue", "contract", "tick", "step", "minimum", "expiry", left=3
    )
    for name, rules in listed:
        if rules is None:
            made.add_row(name, Text("not listed by the exchange", style="yellow"))
            continue
        expiry = time_utc(rules.contract_expiry, digits=0)[:10] if rules.contract_expiry else "perpetual"
        made.add_row(
            name,
            rules.exchange_id,
            rules.venue,
            qty(rules.contract_size),
            price(rules.price_increment),
            qty(rules.size_increment),
            qty(rules.min_size),
            expiry,
        )
    console().print(made)


def _product(name: str, rules: ProductListed | None) -> dict[str, Json]:
    if rules is None:
        return {"product": name, "listed": False}
    return {
        "product": name,
        "listed": True,
        "exchange_id": rules.exchange_id,
        "venue": rules.venue,
        "contract_size": rules.contract_size,
        "price_increment": rules.price_increment,
        "size_increment": rules.size_increment,
        "min_size": rules.min_size,
        "max_size": rules.max_size,
        "funding_interval_s": rules.funding_interval_s,
        "contract_expiry": time_utc(rules.contract_expiry) if rules.contract_expiry else None,
        "max_leverage": rules.max_leverage,
        "trading_disabled": rules.trading_disabled,
    }


def strategies(config: Path | None, *, as_json: bool) -> None:
    path = config or (Path(DEFAULT_FILE) if Path(DEFAULT_FILE).exists() else None)
    configured = load(path, os.environ).settings.configuration.strategies
    if as_json:
        rows: list[Json] = [
            {"strategy": name, "uses": each.uses, "product": each.product, "options": dict(each.options)}
            for name, each in configured.items()
        ]
        print_json({"configured": rows, "shipped": ["baseline", "funding"]})
        return
    made = table("Strategies", "strategy", "uses", "product", "options", left=4)
    for name, each in configured.items():
        made.add_row(name, each.uses, each.product, ", ".join(f"{key}={value}" for key, value in each.options.items()))
    out = console()
    out.print(made if made.row_count else Text("none is configured"))
    out.print(
        Text("\nships: baseline (moving averages, trailing stop), funding (carry). Your own: module:Class", style="dim")
    )


def runs(log: Path | None, config: Path | None, *, as_json: bool) -> None:
    path = places.find_log(log, config)
    reader = read_with_progress(path)
    life = reader.life(path)
    sessions = reader.standing.sessions
    lives = [life if each is sessions[-1] else "ended" if each.ended_at else "dead" for each in sessions]
    if as_json:
        print_json(
            {
                "log": str(path),
                "runs": [
                    {
                        "session": each.session,
                        "life": str(lived),
                        "mode": each.mode,
                        "clock": each.clock,
                        "hosting": each.hosting,
                        "first": each.first,
                        "last": each.last or None,
                        "started_at": time_utc(each.started_at),
                        "ended_at": time_utc(each.ended_at) if each.ended_at else None,
                        "reason": each.reason or None,
                        "code": each.code,
                        "state_digest": each.state_digest or None,
                    }
                    for each, lived in zip(sessions, lives, strict=True)
                ],
            }
        )
        return
    made = table("Runs", "session", "mode", "clock", "", "started", "code", "ended", "from record", "lasted", left=7)
    for each, lived in zip(sessions, lives, strict=True):
        made.add_row(
            each.session,
            each.mode,
            each.clock,
            Text(str(lived), style={"running": "green", "dead": "bold red"}.get(str(lived), "")),
            time_utc(each.started_at, digits=0),
            each.code[:12],
            each.reason,
            f"{each.first:,}",
            duration(each.ended_at - each.started_at) if each.ended_at else "",
        )
    console().print(made if made.row_count else Text("no session is in this log"))


def events(*, as_json: bool) -> None:
    rows = [
        {
            "event": name,
            "theme": kind.__module__.removeprefix("events."),
            "means": _first_sentence(inspect.getdoc(kind)),
        }
        for name, kind in event_names().items()
    ]
    if as_json:
        print_json({"events": rows})
        return
    made = table("Events", "theme", "event", "what happened", left=3)
    theme = ""
    for row in rows:
        made.add_row("" if row["theme"] == theme else row["theme"], Text(row["event"], style="bold"), row["means"])
        theme = row["theme"]
    console().print(made)


def _first_sentence(text: str | None) -> str:
    first = " ".join((text or "").split("\n\n")[0].split())
    return "" if first.startswith(("An event", "The root")) else first
