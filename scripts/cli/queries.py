"""What the reading commands say, as plain values: one function a question, each asked of a `Reader`.

The same values are printed as JSON and shown as tables; a number that is not known is None and says so.
"""

from __future__ import annotations

from projections.order import Order
from scripts.cli import theirs
from scripts.cli.reading import Reader
from scripts.cli.shown import Json, time_utc

Answer = dict[str, Json]


def status(reader: Reader) -> Answer:
    standing, session = reader.standing, reader.standing.session
    return {
        "session": None if session is None else session.session,
        "mode": standing.configuration.mode,
        "clock": None if session is None else session.clock,
        "hosting": None if session is None else session.hosting,
        "started_at": None if session is None else time_utc(session.started_at),
        "records": reader.records,
        "sessions": len(standing.sessions),
        "restriction": reader.restriction() or None,
        "reconciled_at": time_utc(standing.reconciled_at) if standing.reconciled_at else None,
        "feeds": [
            {
                "feed": feed.feed,
                "state": feed.state,
                "since": time_utc(feed.since),
                "connection": feed.connection,
                "gaps": feed.gaps,
                "reason": feed.reason,
            }
            for feed in standing.feeds.values()
        ],
        "strategies": [
            {
                "strategy": seen.strategy,
                "product": seen.product,
                "paused": seen.paused or None,
                "action": seen.action,
                "reason": seen.reason,
                "at": time_utc(seen.at) if seen.at else None,
            }
            for seen in standing.strategies.values()
        ],
        "attribution": attribution(reader),
        "marks": marks(reader),
        "account": account(reader),
        "orders": dict(reader.order_counts()),
    }


def attribution(reader: Reader) -> list[Json]:
    """One row a holder of a product: strategies, "external", and "netting", which is worth nothing (rules A19)."""
    return [{name: getattr(row, name) for name in row.__struct_fields__} for row in reader.attribution()]


def marks(reader: Reader) -> list[Json]:
    """One row a product: its mark, where it comes from, how old it is, and whether it may be traded on."""
    rows: list[Json] = []
    for product in reader.products():
        mark = reader.portfolio.marks.last(product)
        rows.append(
            {
                "product": product,
                "mark": None if mark is None else mark.price,
                "source": None if mark is None else mark.source.value,
                "age_s": reader.portfolio.marks.age_s(product, reader.at),
                "fresh": reader.portfolio.marks.is_fresh(product, reader.at),
            }
        )
    return rows


def account(reader: Reader) -> Answer:
    """The ledger: equity = start + transfers + realized - fees + funding + unrealized."""
    portfolio = reader.portfolio
    return {
        "start": portfolio.start,
        "transfers": portfolio.transfers,
        "realized": portfolio.realized,
        "fees": portfolio.fees,
        "funding": portfolio.funding,
        "unrealized": portfolio.unrealized(),
        "equity": portfolio.equity(),
        "exchange_equity": portfolio.exchange_equity,
        "unknown": list(portfolio.unknown()),
    }


def positions(reader: Reader) -> list[Json]:
    """Products with an open position or a result."""
    rows: list[Json] = []
    for product in reader.products():
        position = reader.portfolio.positions.of(product)
        result = reader.portfolio.position_pnl(product, reader.at)
        if not position.qty and not position.realized and not position.fees:
            continue
        exposure = reader.exposure(product)
        rows.append(
            {
                "product": product,
                "side": position.side,
                "qty": position.qty,
                "base_qty": result.base_qty,
                "contract_size": result.contract_size,
                "entry_price": position.entry_price,
                "mark": result.mark,
                "mark_source": result.mark_source,
                "mark_age_s": result.mark_age_s,
                "fresh": result.is_mark_fresh,
                "notional": None if exposure is None else exposure.notional,
                "unrealized": result.unrealized_pnl,
                "realized": result.realized_pnl,
                "fees": result.fees,
                "funding": result.funding_accrued,
                "opened_at": time_utc(position.opened_at) if position.opened_at else None,
            }
        )
    return rows


def orders(reader: Reader, *, closed: bool = False) -> list[Json]:
    """Open orders, oldest first; with `closed` those of the last day as well."""
    chosen = [*(reader.orders.closed.values() if closed else ()), *reader.orders.open_orders()]
    return [_order(order) for order in chosen]


def _order(order: Order) -> Answer:
    return {
        "order": order.order,
        "exchange_order": order.exchange_order or None,
        "product": order.product,
        "strategy": order.strategy or None,
        "origin": order.origin.value,
        "side": order.side.value,
        "kind": order.kind.value,
        "qty": order.qty,
        "filled": order.filled_qty,
        "leaves": order.leaves,
        "limit_price": order.limit_price,
        "reduce_only": order.reduce_only,
        "stage": order.stage.value,
        "status": order.status.value,
        "uncertain": order.is_uncertain,
        "opened_at": time_utc(order.opened_at) if order.opened_at else None,
        "closed_at": time_utc(order.closed_at) if order.closed_at else None,
        "reason": order.reason or None,
    }


def pnl(reader: Reader) -> Answer:
    """The seed's keys and those of trading rule A8, by product and in total, and the account beside the exchange's."""
    result = reader.portfolio.pnl(reader.at)
    return {
        "total_unrealized": result.total_unrealized,
        "total_realized": result.total_realized,
        "total_funding": result.total_funding,
        "fees": result.fees,
        "net_pnl": result.net_pnl,
        "start": result.start,
        "transfers": result.transfers,
        "equity": result.equity,
        "unknown": list(result.unknown),
        "fills": {
            "confirmed_orders": len(reader.confirmation.confirmed),
            "provisional_orders": len(reader.confirmation.provisional),
            "provisional_value": reader.confirmation.provisional_value,
            "provisional_fees": reader.confirmation.provisional_fees,
        },
        "positions": {
            product: {name: getattr(row, name) for name in row.__struct_fields__}
            for product, row in result.positions.items()
        },
        "attribution": attribution(reader),
        "tie_out": theirs.tie_out_answer(reader),
        "days": theirs.days_answer(reader),
        "exchange_day": theirs.exchange_day_answer(reader),
    }


def funding(reader: Reader) -> Answer:
    """What was accrued at each boundary, latest first, and what was paid. Above zero we received."""
    ledger = reader.portfolio.ledger
    products: dict[str, Json] = {}
    for product, each in ledger.by_product.items():
        rate = reader.catalog.last_rate(product)
        products[product] = {
            "total": each.total,
            "paid": each.paid,
            "receivable": each.receivable,
            "paid_through": time_utc(each.paid_through) if each.paid_through else None,
            "last_rate": None if rate is None else rate.rate,
            "last_rate_boundary": None if rate is None else time_utc(rate.boundary),
            "entries": [
                {"boundary": time_utc(entry.boundary), "amount": entry.amount, "status": entry.status.value}
                for entry in reversed(each.entries)
            ],
        }
    return {"total": ledger.total(), "receivable": ledger.receivable(), "products": products}


def risk(reader: Reader) -> Answer:
    """Restrictions in force, and how far each limit is: exposure at the worst side of positions and orders."""
    standing, configuration = reader.standing, reader.standing.configuration.risk
    gross = reader.gross()
    day, limit = standing.day, standing.daily_loss_limit()
    return {
        "restriction": reader.restriction() or None,
        "kill_switch": standing.kill,
        "kill_state": reader.kill_progress().state.value,
        "kill_waits_for": list(reader.kill_progress().waiting_for),
        "reduce_only": {product or "all": reason for product, reason in standing.reduce_only.items()},
        "equity": reader.portfolio.equity(),
        "exposure": {
            "gross": gross,
            "share_of_equity": reader.share_of_equity(gross),
            "max_exposure_pct": standing.limit("max_exposure_pct"),
            "leverage_max_global": standing.limit("leverage_max_global"),
            "products": [_product_risk(reader, product) for product in reader.products()],
        },
        "day": {
            "day": None if day is None else time_utc(day.day, digits=0)[:10],
            "start_equity": None if day is None else day.equity,
            "reconstructed": None if day is None else day.reconstructed,
            "loss": reader.loss_today(),
            "limit": limit,
            "breached": standing.daily_loss is not None,
        },
        "liquidation_buffer": {
            "minimum": configuration.min_liquidation_buffer_pct,
            "last_breach": None if standing.buffer is None else standing.buffer.buffer,
        },
        "exchange_margin": theirs.margin_answer(reader),
        "changed_limits": dict(standing.changed_limits),
        "refused": reader.order_counts()["refused"],
    }


def _product_risk(reader: Reader, product: str) -> Answer:
    exposure, limits = reader.exposure(product), reader.standing.configuration.risk
    notional = None if exposure is None else exposure.notional
    return {
        "product": product,
        "held": reader.portfolio.positions.of(product).qty,
        "buying": None if exposure is None else exposure.buying,
        "selling": None if exposure is None else exposure.selling,
        "notional": notional,
        "share_of_equity": reader.share_of_equity(notional),
        "max_position_pct": reader.standing.limit("max_position_pct_per_symbol"),
        "max_notional": limits.max_notional_per_symbol.get(product),
        "leverage_max": limits.leverage_max_per_symbol.get(product),
    }
