"""Is the exchange ready for us, and may we trade there? Clock, key, account, products, feeds.

Everything is asked; no order is sent.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from actors.behaviours.protection import GIVEN_UP_AT, levels
from actors.connection.auth import Credentials
from actors.connection.client.coinbase import CoinbaseClient
from actors.connection.client.configurations import BracketGtc
from actors.connection.client.limits import Urgency
from actors.connection.client.market_replies import Product
from actors.connection.errors import BrokerageError
from actors.connection.listing import listed
from actors.connection.reach import first_heartbeat_s
from actors.connection.user_feed import CHANNELS as USER_CHANNELS
from actors.settings import ExchangeSettings, SystemSettings
from events.catalog import ProductListed
from events.configuration import Configuration, ProductSetting
from events.money import ceil_to
from events.terms import NANOSECONDS
from projections.notional import is_inverse
from scripts.cli.exits import Exit
from scripts.cli.findings import Finding, failed, ok, skipped, warning
from scripts.cli.shown import cents, duration, price

#: One request has this long, and is tried once more.
REQUEST_LIMIT_S = 5.0
_NEW_KEY = "make a key with View and Trade at the exchange, and name its file as exchange.key_file"


def check_exchange(settings: SystemSettings, *, allow_transfer: bool) -> Iterator[Finding]:
    """Everything that needs the network, in the order in which one thing needs the other."""
    exchange, live = settings.exchange, settings.configuration.mode == "live"
    credentials, finding = _key(exchange, live=live)
    yield finding
    if credentials is None and live:
        yield skipped("exchange", "without a key there is nothing to ask it for live trading")
        return
    ca_file = None if exchange.ca_file is None else str(exchange.ca_file)
    client = CoinbaseClient(exchange.rest, credentials, ca_file=ca_file, proxy=exchange.proxy)
    try:
        asking = client.at(Urgency.LOOKUPS, max_retries=1, timeout_s=REQUEST_LIMIT_S)
        try:
            yield _clock(asking, settings)
        except BrokerageError as error:
            remedy = f"see whether {exchange.rest} can be reached from here, and through which proxy"
            yield failed("clock", f"the exchange does not tell its time: {error}", remedy, Exit.EXCHANGE)
            yield skipped("account", "the exchange was not reached")
            yield skipped("products", "the exchange was not reached")
        else:
            if credentials is not None:
                yield _permissions(asking, live=live, allow_transfer=allow_transfer)
            if live:
                yield _account(asking)
            yield from _products(asking, settings.configuration.products)
            if live and settings.configuration.orders.protective_bracket:
                yield from _brackets(asking, settings.configuration)
    finally:
        client.close()
    yield _feed("market feed", exchange.ws, (), credentials, exchange)
    if live:
        yield _feed("user feed", exchange.user_ws, USER_CHANNELS, credentials, exchange)


def _key(exchange: ExchangeSettings, *, live: bool) -> tuple[Credentials | None, Finding]:
    """The key's form. Neither its name nor anything of its secret is shown."""
    from scripts.cli.running import credentials_of

    try:
        credentials = credentials_of(exchange)
    except BrokerageError as error:
        return None, failed("key", str(error), _NEW_KEY, Exit.EXCHANGE)
    if credentials is None:
        if live:
            return None, failed("key", "live trading needs a key, and none is named", _NEW_KEY, Exit.CONFIGURATION)
        return None, ok("key", "none, and paper trading needs none")
    where = "the environment" if exchange.key_file is None else str(exchange.key_file)
    says = f"readable, signs {credentials.algorithm}, from {where}"
    if exchange.key_file is not None and _others_may_read(exchange.key_file):
        return credentials, warning("key", f"{says}, which other users may read", f"chmod 600 {exchange.key_file}")
    return credentials, ok("key", says)


def _others_may_read(file: Path) -> bool:
    return bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _clock(client: CoinbaseClient, settings: SystemSettings) -> Finding:
    """Our clock less the exchange's, in the middle of a request over a connection that stands already."""
    client.get_time()
    before, asked = time.time_ns(), time.monotonic_ns()
    said = client.get_time()
    round_trip = time.monotonic_ns() - asked
    millis = int(said.epoch_millis) * 1_000_000 if said.epoch_millis.isdecimal() else 0
    theirs = max(said.iso or 0, millis)
    if not theirs:
        return failed("clock", "the exchange's time cannot be read", "is this Coinbase's API?", Exit.EXCHANGE)
    took = f"a request takes {_span(round_trip)}"
    if settings.exchange.clock == "tape":
        return ok("clock", f"the session follows the exchange's own; {took}")
    skew = before + round_trip // 2 - theirs
    limit = settings.configuration.marks.max_feed_lag_ms * 1_000_000
    says = f"ours is {_span(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the exchange's; {took}"
    remedy = "set this machine's clock by NTP (timedatectl, chrony)"
    if abs(skew) > limit:
        why = f"{says}; over {duration(limit)} marks count as stale, and far off tokens are refused"
        return failed("clock", why, remedy, Exit.EXCHANGE)
    return warning("clock", says, remedy) if 2 * abs(skew) > limit else ok("clock", says)


def _span(ns: int) -> str:
    return f"{ns / 1_000_000:.1f} ms" if ns < NANOSECONDS else duration(ns)


def _permissions(client: CoinbaseClient, *, live: bool, allow_transfer: bool) -> Finding:
    try:
        key = client.get_key_permissions()
    except BrokerageError as error:
        return failed("permissions", f"the exchange does not take the key: {error}", _NEW_KEY, Exit.EXCHANGE)
    rights = {"view": key.can_view, "trade": key.can_trade, "transfer": key.can_transfer}
    says = "the key may " + (", ".join(name for name, may in rights.items() if may) or "do nothing")
    missing = [name for name in ("view", "trade") if not rights[name] and (live or name == "view")]
    if missing:
        return failed("permissions", f"{says}; it may not {' or '.join(missing)}", _NEW_KEY, Exit.EXCHANGE)
    if key.can_transfer and not allow_transfer:
        why = f"{says}: whoever has it can move money off the account"
        remedy = "make a key without Transfer, or set exchange.allow_transfer if it must be this one"
        return failed("permissions", why, remedy, Exit.EXCHANGE)
    return ok("permissions", says)


def _account(client: CoinbaseClient) -> Finding:
    try:
        balance = client.cfm_balance_summary()
    except BrokerageError as error:
        return failed("account", f"the futures balance cannot be read: {error}", _NEW_KEY, Exit.EXCHANGE)
    if balance is None:
        remedy = "enable derivatives for this account at the exchange, and give the key its portfolio"
        return failed("account", "it has no futures side", remedy, Exit.EXCHANGE)
    power = f"buying power {cents(balance.futures_buying_power)} USD"
    return ok("account", f"futures are enabled, {power}, initial margin in use {cents(balance.initial_margin)} USD")


def _products(client: CoinbaseClient, products: Mapping[str, ProductSetting]) -> Iterator[Finding]:
    if not products:
        yield failed("products", "none is configured", 'add [products."BTC-PERP"] to the file', Exit.CONFIGURATION)
        return
    try:
        found = client.get_products(product_ids=[setting.exchange_id for setting in products.values()])
    except BrokerageError as error:
        yield failed("products", f"cannot be listed: {error}", "see whether the exchange is up", Exit.EXCHANGE)
        return
    by_id = {product.product_id: product for product in found}
    for ours, setting in products.items():
        product = by_id.get(setting.exchange_id)
        if product is None:
            remedy = f'write an id that it lists as exchange_id of [products."{ours}"]'
            says = f"the exchange lists no {setting.exchange_id}"
            yield failed(f"product {ours}", says, remedy, Exit.CONFIGURATION)
        else:
            yield _product(f"product {ours}", product, ours)


def _product(check: str, product: Product, ours: str) -> Finding:
    try:
        rules = listed(product, ours, 0)
    except ValueError as error:
        return failed(check, str(error), "trade another product", Exit.EXCHANGE)
    if is_inverse(rules):
        says = f"{rules.exchange_id} is an inverse contract, quoted in {rules.quote_currency}"
        return failed(check, says, "trade a linear one", Exit.EXCHANGE)
    if rules.contract_size is None and product.product_type == "FUTURE":
        return failed(check, f"{rules.exchange_id} has no contract size", "trade another product", Exit.EXCHANGE)
    says = (
        f"{rules.exchange_id}, {rules.contract_size or 1} {rules.underlying} a contract, "
        f"steps of {price(rules.price_increment)}, last {price(product.price)}"
    )
    if rules.trading_disabled or rules.cancel_only:
        how = "cancels only" if rules.cancel_only else "trading is disabled"
        return failed(check, f"{says}; {how}", "wait until the exchange opens it again", Exit.EXCHANGE)
    limits = _restrictions(rules)
    return warning(check, f"{says}; {limits}", "orders are refused while that lasts") if limits else ok(check, says)


def _brackets(client: CoinbaseClient, configuration: Configuration) -> Iterator[Finding]:
    """Whether the exchange takes the bracket that shall protect each position, tried by preview: nothing is placed."""
    for ours, setting in configuration.products.items():
        check = f"bracket {ours}"
        try:
            product = client.get_product(setting.exchange_id)
            rules, last = listed(product, ours, 0), product.price
            if last is None:
                yield warning(check, "no price to preview one at", "ask again when it trades")
                continue
            prices = levels(rules.min_size, last, None, configuration.orders)
            preview = client.preview_order(
                product_id=setting.exchange_id,
                side="SELL",
                order_configuration=BracketGtc(
                    base_size=rules.min_size,
                    limit_price=ceil_to(prices.take, rules.price_increment),
                    stop_trigger_price=ceil_to(prices.stop, rules.price_increment),
                ),
            )
        except (BrokerageError, ValueError) as error:
            yield warning(check, f"the preview failed: {error}", "positions may be unprotected: watch for it in status")
            continue
        if GIVEN_UP_AT & {*preview.errs}:
            remedy = "set orders.protective_bracket = false, or trade another product"
            yield warning(check, f"the exchange takes none: {', '.join(preview.errs)}", remedy)
        else:
            objections = f" (without a position it says {', '.join(preview.errs)})" if preview.errs else ""
            yield ok(check, f"the exchange takes one{objections}")


def _restrictions(rules: ProductListed) -> str:
    named = {
        "its session is closed": not rules.session_open,
        "limit orders only": rules.limit_only,
        "post-only orders only": rules.post_only,
    }
    return ", ".join(name for name, holds in named.items() if holds)


def _feed(
    check: str, url: str, channels: tuple[str, ...], credentials: Credentials | None, exchange: ExchangeSettings
) -> Finding:
    ca_file = None if exchange.ca_file is None else str(exchange.ca_file)
    try:
        took_s = first_heartbeat_s(url, channels, credentials, ca_file=ca_file, proxy=exchange.proxy)
    except BrokerageError as error:
        return failed(check, f"{url}: {error}", "see whether WebSockets leave this network", Exit.EXCHANGE)
    return ok(check, f"{url} let us in and sent a heartbeat after {took_s:.1f} s")
