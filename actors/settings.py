"""The settings of one system: one TOML file, the environment on top, every value with its source.

The rules a session runs by (`Configuration`) go into the log; addresses, paths and keys stay out of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from actors.admission import admitted
from actors.environment import Written, overlay, refuse_live
from actors.strict import ConfigurationError, StrictReader, Way, dotted, shown
from events.configuration import (
    AccountSetting,
    Configuration,
    HaltSetting,
    MarkSetting,
    OrderSetting,
    PaperSetting,
    ProductSetting,
    RiskLimits,
    StrategySetting,
)

__all__ = [
    "ConfigurationError",
    "ExchangeSettings",
    "FeedSettings",
    "JournalSettings",
    "Loaded",
    "Resolved",
    "SettingsFile",
    "SystemSettings",
    "load",
]

DEFAULT_FILE = "perptape.toml"
DEFAULT_DATA_DIR = Path("results/managed")

#: Shown as "(redacted)"; the key itself is refused in the file.
_SECRET: Way = ("exchange", "private_key")
_KEY_NAME: Way = ("exchange", "key_name")
_PROXY: Way = ("exchange", "proxy")  # its password is not shown
REDACTED = "(redacted)"
EXTRA_CHANNELS = ("ticker_batch", "candles", "status")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class ExchangeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the exchange is and who we are there. `key_file` is the JSON file of a CDP key, as downloaded."""

    rest: str = "https://api.coinbase.com"
    ws: str = "wss://advanced-trade-ws.coinbase.com"
    user_ws: str = "wss://advanced-trade-ws-user.coinbase.com"
    key_file: Path | None = None
    ca_file: Path | None = None  # trust these certificates instead of the system's
    clock: str = "wall"  # "tape": follow the local exchange's own clock, carried by its facts
    key_name: str | None = None  # with private_key in place of a key file, or with a file that is the key alone
    private_key: str | None = None  # from the environment only
    rate_limit_per_minute: int = 1200  # requests; a fifth of them is kept for cancels and exits
    allow_transfer: bool = False  # trade with a key that can also move money off the account
    proxy: str | None = None  # http://host:port, for requests and feeds; with a password from the environment only

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Names and values as they may be shown."""
        values = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return [(name, REDACTED if _is_secret(("exchange", name), value) else value) for name, value in values]

    def __repr__(self) -> str:
        return f"ExchangeSettings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


class FeedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the feeds bring besides what trading rests on, and whether their frames are kept as received."""

    extra_channels: tuple[str, ...] = ()  # any of "ticker_batch", "candles", "status"
    products_per_subscribe: int = 50  # a channel of more products is subscribed in several messages
    capture: Path | None = None  # a folder for raw frames; none are kept without one
    capture_mb: int = 4096  # the most that captures take, as compressed; the oldest files go first


class JournalSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How turns are made and kept. None of it shapes a decision."""

    hosting: str = "actors"  # "actors": a mailbox for each behaviour; "shared": one for all; "turn": the journal's own
    durability: str = "grouped"  # "grouped", "every" or "os"
    group_ms: int = 50  # a commit without intents waits at most so long for its fdatasync
    turn_facts: int = 256  # at most so many facts in one turn
    answer_limit_s: float = 5.0  # a behaviour that takes longer is declared failed
    snapshot_every: int = 50_000  # records
    roll_bytes: int = 256 * 1024 * 1024  # the active file is sealed at the end of the turn that passes this
    market_bound: int = 1024  # market facts outstanding before the feed waits


class SettingsFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file, table by table."""

    mode: str = "paper"
    data_dir: str = str(DEFAULT_DATA_DIR)
    start_equity: Decimal | None = None
    exchange: ExchangeSettings = ExchangeSettings()
    feeds: FeedSettings = FeedSettings()
    journal: JournalSettings = JournalSettings()
    products: dict[str, ProductSetting] = {}
    marks: MarkSetting = MarkSetting()
    halts: HaltSetting = HaltSetting()
    risk: RiskLimits = RiskLimits()
    strategies: dict[str, StrategySetting] = {}
    paper: PaperSetting = PaperSetting()
    account: AccountSetting = AccountSetting()
    orders: OrderSetting = OrderSetting()


class SystemSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a system is started with."""

    exchange: ExchangeSettings = ExchangeSettings()
    feeds: FeedSettings = FeedSettings()
    journal: JournalSettings = JournalSettings()
    data_dir: Path = DEFAULT_DATA_DIR
    configuration: Configuration = Configuration()


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """One value as it is in force: its name, the value as text (secrets redacted), and where it was written."""

    name: str
    value: str
    source: str


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that passed every check, and where each value comes from."""

    settings: SystemSettings
    resolved: tuple[Resolved, ...]


def load(path: Path | None, environment: Mapping[str, str]) -> Loaded:
    """Read the file (None: defaults only) and the environment. Raises `ConfigurationError` naming place and remedy."""
    written = Written(_toml(path) if path else {}, str(path))
    overlay(written, environment, SettingsFile)

    def place(way: Way) -> str:
        source = written.source(way)
        if source == "default":
            source = str(path) if path else "no file"
        return source if source.startswith("variable") or not way else f"{source}, {dotted(way)}"

    file: SettingsFile = StrictReader(place).read(SettingsFile, written.raw)
    for way, message, remedy in _objections(file, written):
        raise ConfigurationError(place(way), message, remedy)
    if file.mode == "live":
        refuse_live(environment)
        file = _protected(file, written)
    shared = {name: getattr(file, name) for name in Configuration.__struct_fields__}
    configuration = admitted(Configuration(**shared), place)
    folder = path.parent if path else Path()
    settings = SystemSettings(
        exchange=msgspec.structs.replace(
            file.exchange,
            key_file=_from(folder, file.exchange.key_file, written, ("exchange", "key_file")),
            ca_file=_from(folder, file.exchange.ca_file, written, ("exchange", "ca_file")),
        ),
        feeds=msgspec.structs.replace(
            file.feeds, capture=_from(folder, file.feeds.capture, written, ("feeds", "capture"))
        ),
        journal=file.journal,
        data_dir=_from(folder, Path(file.data_dir), written, ("data_dir",)) or DEFAULT_DATA_DIR,
        configuration=configuration,
    )
    in_force = {name: getattr(configuration, name) for name in Configuration.__struct_fields__}
    return Loaded(settings=settings, resolved=tuple(_resolved(msgspec.structs.replace(file, **in_force), written)))


def _protected(file: SettingsFile, written: Written) -> SettingsFile:
    """Live, each position has its bracket at the exchange unless somebody wrote otherwise (trading rules A17)."""
    if written.source(("orders", "protective_bracket")) != "default":
        return file
    return msgspec.structs.replace(file, orders=msgspec.structs.replace(file.orders, protective_bracket=True))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        raise ConfigurationError(str(path), "there is no such file", "write one with `perptape init`") from None
    except OSError as error:
        raise ConfigurationError(str(path), f"the file cannot be read ({error.strerror})", "name another") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), f"byte {error.start} is not UTF-8", "save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(path), f"this is no TOML: {error}", "repair that line") from None


def _objections(file: SettingsFile, written: Written) -> Iterator[tuple[Way, str, str]]:
    """What is wrong with the tables that stay out of the log."""
    if file.exchange.private_key is not None and not written.source(_SECRET).startswith("variable"):
        yield _SECRET, "a secret stands in the file", "take it out; name a key_file or set COINBASE_CDP_PRIVATE_KEY"
    secret = file.exchange.private_key or file.exchange.key_file
    if (file.exchange.private_key and not file.exchange.key_name) or (file.exchange.key_name and not secret):
        yield ("exchange", "key_name"), "a key needs its name and its secret", "set both, or a key_file"
    schemes = {"rest": ("https", "http"), "ws": ("wss", "ws"), "user_ws": ("wss", "ws")}
    for name, (sealed, plain) in schemes.items():
        address = urlsplit(getattr(file.exchange, name))
        if address.hostname is None or address.scheme not in (sealed, plain):
            yield ("exchange", name), f"{shown(getattr(file.exchange, name))} is no address", f"write {sealed}://host"
        elif address.scheme == plain and address.hostname not in _LOOPBACK:
            yield ("exchange", name), f"{plain}:// shows keys and orders to the network", f"write {sealed}://"
    if file.exchange.rate_limit_per_minute < 1:
        message = f"{file.exchange.rate_limit_per_minute} requests a minute let nothing through"
        yield ("exchange", "rate_limit_per_minute"), message, "write a number above 0"
    yield from _feed_objections(file, written)
    journal = file.journal
    for way, value, words in (
        (("exchange", "clock"), file.exchange.clock, ("wall", "tape")),
        (("journal", "hosting"), journal.hosting, ("actors", "shared", "turn")),
        (("journal", "durability"), journal.durability, ("grouped", "every", "os")),
    ):
        if value not in words:
            meant = ", ".join(f'"{word}"' for word in words)
            yield way, f"{shown(value)} is none of its words", f"write one of {meant}"
    for name in journal.__struct_fields__:
        number = getattr(journal, name)
        if isinstance(number, (int, float)) and number <= 0:
            yield ("journal", name), f"{number} is out of range", "write a number above 0"


def _feed_objections(file: SettingsFile, written: Written) -> Iterator[tuple[Way, str, str]]:
    for channel in file.feeds.extra_channels:
        if channel not in EXTRA_CHANNELS:
            meant = ", ".join(f'"{word}"' for word in EXTRA_CHANNELS)
            yield ("feeds", "extra_channels"), f"{shown(channel)} is no channel of those", f"write any of {meant}"
    for name in ("products_per_subscribe", "capture_mb"):
        if getattr(file.feeds, name) < 1:
            yield ("feeds", name), f"{getattr(file.feeds, name)} is out of range", "write a number above 0"
    if file.exchange.proxy is not None:
        address = urlsplit(file.exchange.proxy)
        if address.scheme != "http" or address.hostname is None:
            yield _PROXY, "that is no proxy", "write http://host:port"
        elif address.password and not written.source(_PROXY).startswith("variable"):
            yield _PROXY, "a secret stands in the file", "set PERPTAPE__EXCHANGE__PROXY instead"


def _from(folder: Path, path: Path | None, written: Written, way: Way) -> Path | None:
    """A path that stands in the file is meant from the file's folder; any other from where we are."""
    source = written.source(way)
    return folder / path if path is not None and source != "default" and not source.startswith("variable") else path


def _resolved(file: SettingsFile, written: Written) -> Iterator[Resolved]:
    """Every leaf in the order of the types, free tables in the order they were written."""
    for way, value in _leaves(file, ()):
        source = written.source(way)
        if source == "default" and way[0] == "risk" and len(way) == 3:
            source = written.source(way[:2])  # written under the exchange's id
        text = REDACTED if _is_secret(way, value) else _text(value)
        yield Resolved(name=dotted(way), value=text, source=source)


def _is_secret(way: Way, value: object) -> bool:
    return value is not None and (way in (_SECRET, _KEY_NAME) or (way == _PROXY and "@" in str(value)))


def _leaves(value: object, way: Way) -> Iterator[tuple[Way, object]]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _leaves(getattr(value, name), (*way, name))
    elif isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _leaves(each, (*way, name))
    else:
        yield way, value


def _text(value: object) -> str:
    if value is None or value == {}:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
