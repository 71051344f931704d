"""The seed's view of the log: rows of a bot, newest last. It reads a running log without its lock.

A row is `{kind, type, bot_id, time, seq, at, ...}` and the event's own fields, with `symbol` for its product. `kind`
is what `tail(types=...)` filters (position, metric, trade, error), `type` is what the row tells of; no field of an
event can overwrite either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from events.event import Event
from events.funding import FundingAccrued, FundingCorrected, FundingPaid
from events.lifting import decode_lifting, tags_that_become
from events.log.backwards import Line, newest_lines
from events.log.errors import Damage, LogDamaged, LogReadFailed
from events.log.layout import DEFAULT_PATH
from events.log.protocol import EventLog
from events.market import MarkWentStale
from events.orders import CancelRejected, FillCorrected, OrderFilled, OrderOutcomeUnknown, OrderRefused, OrderRejected
from events.position import PositionChanged, PositionUnprotected
from events.record import Record
from events.risk import (
    CorrelationRiskFound,
    DailyLossBreached,
    LiquidationBufferBreached,
    RiskMetricsRecorded,
    VolatilityLevelChanged,
)
from events.session import ActorFailed
from events.strategy import StrategyFailed

Row: TypeAlias = dict[str, object]

_PERPS = "coinbase_perps"
_RISK = "risk_engine"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Shown(NamedTuple):
    """How an event is shown: the row's kind, type and bot, and for a risk event the seed's name of it."""

    kind: str
    type: str
    bot_id: str
    event_type: str | None = None


_SHOWN: dict[type[Event], _Shown] = {
    PositionChanged: _Shown("position", "position", _PERPS),
    FundingAccrued: _Shown("metric", "funding", _PERPS),
    FundingCorrected: _Shown("metric", "funding_corrected", _PERPS),
    FundingPaid: _Shown("metric", "funding_paid", _PERPS),
    OrderFilled: _Shown("trade", "fill", _PERPS),
    FillCorrected: _Shown("trade", "fill_corrected", _PERPS),
    PositionUnprotected: _Shown("metric", "position_unprotected", _PERPS),
    DailyLossBreached: _Shown("metric", "risk_event", _RISK, "daily_loss_breach"),
    LiquidationBufferBreached: _Shown("metric", "risk_event", _RISK, "liquidation_buffer_breach"),
    VolatilityLevelChanged: _Shown("metric", "risk_event", _RISK, "volatility_circuit_breaker"),
    CorrelationRiskFound: _Shown("metric", "risk_event", _RISK, "correlation_risk"),
    RiskMetricsRecorded: _Shown("metric", "risk_metrics", _RISK, "risk_metrics"),
    MarkWentStale: _Shown("metric", "risk_event", _RISK, "stale_mark_price"),
    OrderRefused: _Shown("metric", "risk_event", _RISK, "order_rejected"),
    OrderRejected: _Shown("error", "order_rejected", _PERPS),
    OrderOutcomeUnknown: _Shown("error", "order_outcome_unknown", _PERPS),
    CancelRejected: _Shown("error", "cancel_rejected", _PERPS),
    ActorFailed: _Shown("error", "actor_failed", _PERPS),
    StrategyFailed: _Shown("error", "strategy_failed", _PERPS),
}


class EventStore:
    """Rows of a log: of the one at a path (its active file or folder), or of one in memory."""

    def __init__(self, log: Path | str | EventLog = DEFAULT_PATH) -> None:
        self._log = log

    @property
    def log(self) -> Path | str | EventLog:
        """What it shows."""
        return self._log

    def tail(self, bot_id: str | None = None, limit: int = 50, types: Collection[str] | None = None) -> list[Row]:
        """The last `limit` rows of a bot (None: of all) and of these kinds (None: all), oldest first.

        A log that does not exist has no rows. Raises `LogDamaged` for a line that cannot be read.
        """
        wanted = {
            event: shown
            for event, shown in _SHOWN.items()
            if bot_id in (None, shown.bot_id) and (types is None or shown.kind in types)
        }
        if limit <= 0 or not wanted:
            return []
        return [_row(record, wanted[type(record.event)]) for record in self._newest(frozenset(wanted), limit)]

    def _newest(self, events: frozenset[type[Event]], limit: int) -> Collection[Record]:
        if not isinstance(self._log, (Path, str)):
            return deque((record for record in self._log.records() if type(record.event) in events), maxlen=limit)
        tags = tags_that_become(frozenset(str(event.__struct_config__.tag) for event in events))
        try:
            return [_decoded(line) for line in newest_lines(self._log, tags, limit)]
        except OSError as error:
            raise LogReadFailed(
                f"cannot be read: {error.strerror or error}", file=self._log, remedy="Look at the disk"
            ) from error


def _row(record: Record, shown: _Shown) -> Row:
    event = record.event
    fields = {
        name: msgspec.to_builtins(getattr(event, name), builtin_types=(Decimal,)) for name in event.__struct_fields__
    }
    row: Row = {
        "kind": shown.kind,
        "type": shown.type,
        "bot_id": shown.bot_id,
        "time": (_EPOCH + timedelta(microseconds=record.at // 1_000)).isoformat(),
        "seq": record.seq,
        "at": record.at,
    }
    if shown.event_type is not None:
        row["event_type"] = shown.event_type
    if "product" in fields:
        row["symbol"] = fields["product"]
    if isinstance(event, PositionChanged):
        row["side"] = "long" if event.qty > 0 else "short" if event.qty < 0 else "flat"
    return row | fields | row


def _decoded(line: Line) -> Record:
    try:
        return decode_lifting(line.text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LogDamaged(
            f"a line cannot be read: {error}",
            kind=Damage.DAMAGE,
            file=line.file,
            offset=line.offset,
            remedy="Look at the whole log: perptape verify",
        ) from error
