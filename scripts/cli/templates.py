"""The files that `perptape init` writes. A test holds that every setting is in them, at its default."""

from __future__ import annotations

SETTINGS = """\
# perptape: the settings of one trading system. Times are UTC, money is in quote currency, fractions are fractions
# (0.02 is 2 %). What begins with a # is at its default. `perptape config show` tells what is in force and why;
# the environment (PERPTAPE__RISK__MAX_EXPOSURE_PCT, or the names in .env.example) wins over this file.

mode = "paper"                   # "paper": live market data, fills by the paper exchange; "live" also needs --live
data_dir = "results/managed"     # the log and its snapshots; one system a folder
# start_equity = 100000          # default: paper.start_cash, or the first balance report

# What is traded: a name of ours for the exchange's id.
[products.BTC-PERP]
exchange_id = "BIP-20DEC30-CDE"  # 0.01 BTC a contract

# [products.ETH-PERP]
# exchange_id = "ETP-20DEC30-CDE"

[strategies.main]
uses = "baseline"                # or "funding", or your own: "package.module:Class"
product = "BTC-PERP"
# options = { short_ma_period = 5, long_ma_period = 20, enable_shorts = false }

# Every limit, as it is when nothing is set. Limits by product are written [risk.NAME] with one line a product.
[risk]
# leverage_max_global = 5
# max_exposure_pct = 0.8                      # of equity: all products together
# max_position_pct_per_symbol = 0.2           # of equity: one product
# max_order_qty = 10                          # contracts; default: none
# max_order_notional = 5000                   # USD; default: none
# max_orders_per_minute = 30                  # default: none
# max_price_distance_bps = 500                # of an entry's limit from the mark, either way; default: none
# capital_cap_usd = 10000                     # use no more equity than this; default: all
# daily_loss_limit = 100                      # USD; the default when max_daily_loss_pct is not set either
# max_daily_loss_pct = 0.02                   # of the equity at 00:00 UTC; with both set the tighter counts
# daily_loss_auto_release = false             # true: the next day releases reduce-only
# min_liquidation_buffer_pct = 0.15           # the adverse move of all marks that would reach liquidation
# enable_pre_trade_liq_projection = true
# default_maintenance_margin_rate = 0.005     # only for products that publish none
# slippage_guard_bps = 50                     # entries reach no further from the mark
# max_mark_staleness_seconds = 180
# kill_switch_enabled = false                 # true: start with the switch thrown
# reduce_only_mode = false                    # true: start in reduce-only
# max_decision_age_s = 5                      # a proposal that rests on older data is refused
# approval_ttl_ms = 2000                      # an entry not sent by then never is
# exit_approval_ttl_ms = 10000
# daytime_start_utc = "09:00"                 # when the day_ limits count; the night_ limits at other times
# daytime_end_utc = "17:00"
# enable_volatility_circuit_breaker = false   # a year's volatility, of the sampled marks; BTC is often at 0.5
# max_intraday_volatility_threshold = 0.15    # at it and above no entries
# volatility_window_periods = 20              # returns, one a marks.interval_s
# circuit_breaker_cooldown_minutes = 30       # a level holds at least so long after it was last reached
# volatility_warning_threshold = 0.15
# volatility_reduce_only_threshold = 0.20
# volatility_kill_switch_threshold = 0.25
# enable_correlation_guard = false
# max_correlated_concentration = 0.4          # 1: all positions move as one

# [risk.leverage_max_per_symbol]
# BTC-PERP = 3
# [risk.max_notional_per_symbol]
# BTC-PERP = 20000
# [risk.day_leverage_max_per_symbol]
# BTC-PERP = 5
# [risk.night_leverage_max_per_symbol]
# BTC-PERP = 3
# [risk.day_mmr_per_symbol]
# BTC-PERP = 0.067
# [risk.night_mmr_per_symbol]
# BTC-PERP = 0.164

[marks]
# interval_s = 60                             # how often strategies look
# ttl_s = 30
# max_feed_lag_ms = 2000
# max_index_deviation_bps = 200
# index_ttl_s = 150                  # an index is read with each round of the account
# max_print_deviation_bps = 500      # a print further off a whole book makes no mark

# When trading stops. Maintenance and the session's own flags come from the exchange.
[halts]
# weekly_new_york = ["fri 17:00-18:00"]       # of US futures, in New York's time
# lead_s = 300                                # so long before a halt entries wait, and resting ones are cancelled
# samples_after = 2                           # after it they wait for so many samples of a whole book

[orders]
# protective_bracket = false                  # a reduce-only bracket at the exchange for each position; live: true
# bracket_stop_pct = 0.05                     # its stop triggers so far against the entry, and may miss 5 % further
# bracket_take_pct = 0.10                     # its limit so far in favour
# entry_rests_s = 600                         # with brackets a resting entry ends by itself after so long
# preview_before_place = false                # ask the exchange for a preview first; what it objects to is not sent
# limit_ioc_as = "sor_limit_ioc"              # or "gtc_then_cancel", where the exchange takes no limit IOC

[paper]
# start_cash = 100000
# latency_ms = 50                             # an order acts no earlier than this after its intent
# settlement_times_utc = ["04:00", "16:00"]   # when funding and variation margin become cash
# price_band = 0.05                           # orders reach at most so far through the mark; default: no band
# liquidation_rate = 0.002                    # of notional, on top of the taker's fee
# intraday_margin = false                     # true: the intraday window's rates hold while it is open

[paper.fees]
# maker_rate = 0.0004
# taker_rate = 0.0008
# per_contract = 0

# How turns are made and kept; none of it shapes a decision.
[journal]
# hosting = "actors"                          # a mailbox a behaviour; "shared": one for all; "turn": lowest latency
# durability = "grouped"                      # orders are on disk before they are sent in every mode but "os"
# group_ms = 50                               # other records wait at most so long for the disk
# turn_facts = 256
# answer_limit_s = 5.0                        # a behaviour that takes longer is left out and rebuilt
# snapshot_every = 50000                      # records
# roll_bytes = 268435456
# market_bound = 1024                         # market facts outstanding before the feed waits

# The live account: when funding and variation margin become cash (UTC). The exchange's times are not certain.
[account]
# settlement_times_utc = ["04:00", "16:00"]

# Where the exchange is. Keys stay out of this file: name a key file, or set the variables in .env.example.
[exchange]
# rest = "https://api.coinbase.com"
# ws = "wss://advanced-trade-ws.coinbase.com"
# user_ws = "wss://advanced-trade-ws-user.coinbase.com"
# key_file = "cdp_api_key.json"               # as downloaded from the exchange
# ca_file = "ca.pem"                          # trust these certificates instead of the system's
# key_name = "organizations/…/apiKeys/…"      # with COINBASE_CDP_PRIVATE_KEY, in place of a key file
# clock = "wall"                              # "tape": follow the local exchange's own clock
# allow_transfer = false                      # a key that may move money is refused unless this is true
# rate_limit_per_minute = 1200                # requests; a fifth of them is kept for cancels and exits
# proxy = "http://127.0.0.1:3128"             # for requests and feeds; with a password only from the environment

# What the feeds bring besides trades, quotes and books, and whether their frames are kept as received.
[feeds]
# extra_channels = []                         # any of "ticker_batch", "candles", "status"
# products_per_subscribe = 50                 # a channel of more products is subscribed in several messages
# capture = "results/frames"                  # a folder; default: none are kept
# capture_mb = 4096                           # the most that captures take there; the oldest files go first
"""

ENVIRONMENT = """\
# Variables that perptape reads; they win over perptape.toml. Copy to .env, fill in, and load it yourself:
#   set -a; . ./.env; set +a

# The exchange. Only for live trading; paper trading needs no key.
# COINBASE_CDP_API_KEY=organizations/…/apiKeys/…
# COINBASE_CDP_PRIVATE_KEY="-----BEGIN EC PRIVATE KEY-----\\n…\\n-----END EC PRIVATE KEY-----\\n"
# COINBASE_CDP_PRIVATE_KEY_PATH=/path/to/cdp_api_key.json

# Any setting of perptape.toml: PERPTAPE__TABLE__KEY
# PERPTAPE__DATA_DIR=results/managed
# PERPTAPE__JOURNAL__HOSTING=turn

# Limits by their own names
# RISK_MAX_LEVERAGE=5
# RISK_MAX_EXPOSURE_PCT=0.8
# RISK_MAX_POSITION_PCT_PER_SYMBOL=0.2
# RISK_MAX_NOTIONAL_PER_SYMBOL=BTC-PERP:20000,ETH-PERP:10000
# RISK_DAILY_LOSS_LIMIT=100
# RISK_MAX_DAILY_LOSS_PCT=0.02
# RISK_REDUCE_ONLY_MODE=false
# RISK_KILL_SWITCH_ENABLED=false
"""
