"""The statement of a session in words and columns that a trader understands."""

from __future__ import annotations

from decimal import Decimal

from rich import box
from rich.console import Console
from rich.table import Table

from replay.statement import Statement
from scripts.cli.demonstration import Outcome


def show_statement(console: Console, account: Statement) -> None:
    """Activity, then the ledger from start to equity, then what is held."""
    console.print(
        f"{account.records:,} records, {_duration(account.market_seconds)} of market, {account.decisions:,} decisions, "
        f"{account.orders_submitted} orders ({account.orders_refused} refused, {account.orders_rejected} rejected), "
        f"{account.fills} fills",
        highlight=False,
    )
    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for name, amount in (
        ("start", account.start_equity),
        ("transfers", account.transfers),
        ("realized, gross", account.realized_pnl),
        ("fees", -account.fees),
        ("funding", account.funding),
        ("unrealized", account.unrealized_pnl),
        ("equity", account.equity),
    ):
        if name != "transfers" or amount:
            table.add_row(name, _money(amount), style="bold" if name == "equity" else "")
    console.print(table)
    for holding in account.holdings:
        side = "long" if holding.qty > 0 else "short"
        console.print(
            f"holds {side} {abs(holding.qty)} {holding.product}, entry {holding.entry_price}, at {holding.price}",
            highlight=False,
        )
    if len(account.by_strategy) > 1:
        rows = (f"{row.strategy} {_money(row.net)}" for row in account.by_strategy)
        console.print(f"result by strategy: {', '.join(rows)}", highlight=False)
    if account.confirmed_orders:
        console.print(_confirmed(account), highlight=False)
    for sentence in account.unknown:
        console.print(f"[red]unknown:[/] {sentence}", highlight=False)


def _confirmed(account: Statement) -> str:
    """Which part rests on the exchange's list of fills."""
    if not account.provisional_orders:
        return f"fills of all {account.confirmed_orders} orders that traded confirmed by the exchange's list"
    return (
        f"fills of {account.confirmed_orders} orders confirmed by the exchange's list; [yellow]provisional[/] those of "
        f"{account.provisional_orders}: {_money(account.provisional_value)} changed hands, "
        f"{_money(account.provisional_fees)} in fees"
    )


def show_outcome(console: Console, outcome: Outcome, account: Statement) -> None:
    """What the demonstration proved."""
    show_statement(console, account)
    ties = outcome.equity == outcome.exchange_equity
    console.print(
        f"the exchange's own books say {_money(outcome.exchange_equity)}: "
        + ("[green]the same, to the last digit[/]" if ties else "[red]NOT the same[/]"),
        highlight=False,
    )
    console.print(
        "[green]verified[/]: the chain is whole, and every decision was derived again"
        if outcome.verified
        else "[red]NOT verified[/]: see `perptape verify`",
        highlight=False,
    )
    console.print(f"log head {outcome.head_digest}", highlight=False, soft_wrap=True)


def _money(amount: Decimal | None) -> str:
    if amount is None:
        return "unknown"
    shown = f"{amount:,.2f}"
    return shown if Decimal(shown.replace(",", "")) == amount else f"{amount:,f}"


def _duration(seconds: Decimal) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
