"""The rules a session runs by, as `SessionStarted` brings them.

No addresses, no paths, no secrets: those never shape a decision and never enter the log. Fractions are fractions
(0.02 is 2 %), money is in quote currency, times carry their unit in the name.
"""

from __future__ import annotations

from decimal import Decimal

from events.event import Part


class ProductSetting(Part, frozen=True):
    """One product that is traded: the exchange's id for our id."""

    exchange_id: str


class MarkSetting(Part, frozen=True):
    """When a mark is fresh, and how often strategies sample it."""

    interval_s: int = 60
    ttl_s: int = 30
    max_feed_lag_ms: int = 2_000
    max_index_deviation_bps: Decimal = Decimal(200)
    index_ttl_s: int = 150  # an index is read with each round of the account, once a minute
    max_print_deviation_bps: Decimal = Decimal(500)  # a print further off a whole book is not trusted


class HaltSetting(Part, frozen=True):
    """When trading stops: the US futures' weekly halts in New York's time, and how far around them entries wait."""

    weekly_new_york: tuple[str, ...] = ("fri 17:00-18:00",)
    lead_s: int = 300
    samples_after: int = 2


class RiskLimits(Part, frozen=True):
    """Every limit of the risk engine; names follow the seed and the protocol sheet 8.8."""

    leverage_max_global: Decimal = Decimal(5)
    leverage_max_per_symbol: dict[str, Decimal] = {}
    daytime_start_utc: str | None = None  # "09:00"
    daytime_end_utc: str | None = None
    day_leverage_max_per_symbol: dict[str, Decimal] = {}
    night_leverage_max_per_symbol: dict[str, Decimal] = {}
    day_mmr_per_symbol: dict[str, Decimal] = {}
    night_mmr_per_symbol: dict[str, Decimal] = {}
    min_liquidation_buffer_pct: Decimal = Decimal("0.15")
    enable_pre_trade_liq_projection: bool = True
    default_maintenance_margin_rate: Decimal = Decimal("0.005")
    daily_loss_limit: Decimal | None = None  # USD; 100 when neither this nor the percentage is set
    max_daily_loss_pct: Decimal | None = None
    daily_loss_auto_release: bool = False
    max_exposure_pct: Decimal = Decimal("0.8")
    max_position_pct_per_symbol: Decimal = Decimal("0.2")
    max_notional_per_symbol: dict[str, Decimal] = {}
    slippage_guard_bps: Decimal = Decimal(50)
    kill_switch_enabled: bool = False
    reduce_only_mode: bool = False
    max_mark_staleness_seconds: int = 180
    enable_volatility_circuit_breaker: bool = False
    max_intraday_volatility_threshold: Decimal = Decimal("0.15")
    volatility_window_periods: int = 20
    circuit_breaker_cooldown_minutes: int = 30
    volatility_warning_threshold: Decimal = Decimal("0.15")
    volatility_reduce_only_threshold: Decimal = Decimal("0.20")
    volatility_kill_switch_threshold: Decimal = Decimal("0.25")
    max_decision_age_s: int = 5
    approval_ttl_ms: int = 2_000
    exit_approval_ttl_ms: int = 10_000
    max_order_qty: Decimal | None = None
    max_order_notional: Decimal | None = None
    max_price_distance_bps: Decimal | None = None
    max_orders_per_minute: int | None = None
    capital_cap_usd: Decimal | None = None
    enable_correlation_guard: bool = False
    max_correlated_concentration: Decimal = Decimal("0.4")


class StrategySetting(Part, frozen=True):
    """One strategy on one product. `uses` is "baseline", "funding" or `module:Class`; `options` are its own."""

    uses: str
    product: str
    options: dict[str, str | int | bool] = {}


class FeeSetting(Part, frozen=True):
    """What paper trading charges and risk reserves: rate x notional + amount per contract."""

    maker_rate: Decimal = Decimal("0.0004")
    taker_rate: Decimal = Decimal("0.0008")
    per_contract: Decimal = Decimal(0)


class PaperSetting(Part, frozen=True):
    """The paper exchange: its cash at the start, its latency, its fees, its settlement times (UTC, "HH:MM")."""

    start_cash: Decimal = Decimal(100_000)
    latency_ms: int = 50
    fees: FeeSetting = FeeSetting()
    settlement_times_utc: tuple[str, ...] = ("04:00", "16:00")
    price_band: Decimal | None = None  # how far through the mark an order may reach, as a fraction of it
    liquidation_rate: Decimal = Decimal("0.002")  # of notional, on top of the taker's fee
    intraday_margin: bool = False  # whether the account has opted in to the intraday window's rates


class OrderSetting(Part, frozen=True):
    """How orders leave, and what protects a position while nobody watches (trading rules A13, A17, B14)."""

    limit_ioc_as: str = "sor_limit_ioc"  # or "gtc_then_cancel", where the exchange takes no limit IOC
    preview_before_place: bool = False  # ask for a preview first; what it objects to is not sent
    protective_bracket: bool = False  # a reduce-only bracket at the exchange for each position; a live file's is true
    bracket_stop_pct: Decimal = Decimal("0.05")  # the stop triggers so far against the position, as a fraction
    bracket_take_pct: Decimal = Decimal("0.10")  # the limit so far in its favour
    entry_rests_s: int = 600  # with brackets, a resting entry ends by itself after so long


class AccountSetting(Part, frozen=True):
    """When the exchange turns variation margin and funding into cash (UTC, "HH:MM"); unverified, so a setting."""

    settlement_times_utc: tuple[str, ...] = ("04:00", "16:00")


class Configuration(Part, frozen=True):
    """All of it. `mode` is "paper" (intents go to the paper exchange) or "live" (to the gateway)."""

    mode: str = "paper"
    products: dict[str, ProductSetting] = {}
    marks: MarkSetting = MarkSetting()
    risk: RiskLimits = RiskLimits()
    strategies: dict[str, StrategySetting] = {}
    paper: PaperSetting = PaperSetting()
    account: AccountSetting = AccountSetting()
    halts: HaltSetting = HaltSetting()
    orders: OrderSetting = OrderSetting()
    start_equity: Decimal | None = None  # live: taken from the first balance report when None
