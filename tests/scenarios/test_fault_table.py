"""The table of faults: each row strikes a whole live session, which must come through it and go on trading.

What a row injects stands in `ROWS`, a session for each; what must be true afterwards is `must_hold`: no order twice,
none lost, none stuck, the books right, the log verified. The parts are held to far higher counts of their own;
docs/FAULTS.md names both for each row.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from events.event import Event
from events.feeds import FeedGapFound, FeedLost, FeedWentSilent
from events.orders import OrderOutcomeUnknown
from tests.replay.exchange.running import Client
from tests.scenarios.faulty import Fault, must_hold, session

CHANNELS = ("l2_data", "market_trades", "user", "heartbeats", "ticker", "futures_balance_summary")


@dataclass(frozen=True)
class Row:
    """One row: what strikes, a session for each, and what every one of these logs must say of it."""

    strikes: Sequence[Sequence[Fault]]
    says: tuple[type[Event], ...] = ()


def orders(fault: str, **how: object) -> Fault:
    return {"fault": fault, "method": "POST", "path": "/orders", **how}


def reads(fault: str, **how: object) -> Fault:
    return {"fault": fault, "method": "GET", **how}


ROWS = {
    "w1_a_gap_in_any_channel": Row(
        [[{"fault": "drop", "channel": channel, "count": lost}] for channel in CHANNELS for lost in (1, 2)],
        says=(FeedGapFound, FeedLost),
    ),
    "w2_frames_twice_and_out_of_order": Row(
        [[{"fault": kind, "channel": channel}] for channel in CHANNELS for kind in ("duplicate", "reorder")]
    ),
    "w3_a_connection_that_is_dead_and_silent": Row(
        [[{"fault": "stall", "channel": channel, "seconds": 5}] for channel in ("heartbeats", "user", "l2_data")],
        says=(FeedWentSilent,),
    ),
    "w4_frames_that_are_none": Row(
        [
            *([{"fault": "garbage", "content": content}] for content in ("text", "binary", "wire", "endless")),
            *([{"fault": "close", "code": code}] for code in (1000, 1001, 1011, 1012, 4000)),
            [{"fault": "cut"}],
        ],
        says=(FeedLost,),
    ),
    "w5_a_frame_too_large_to_read": Row(
        [[{"fault": "oversize", "size_bytes": size << 20}] for size in (9, 16, 64)], says=(FeedLost,)
    ),
    "w6_a_peer_that_closes_every_connection_anew": Row(
        [
            [{"fault": "close", "channel": "subscriptions", "count": 4}, {"fault": "cut"}],
            [{"fault": "cut"}, {"fault": "refused_socket", "count": 4}],
        ],
        says=(FeedLost,),
    ),
    "r1_refused_for_now": Row(
        [
            *([reads("too_many_requests", count=3, retry_after_s=after)] for after in (None, 0, 1)),
            *([orders("too_many_requests", retry_after_s=after)] for after in (None, 1)),
            *([reads("server_error", status=status)] for status in (500, 502, 503, 504)),
            [orders("server_error", status=503)],
        ]
    ),
    "r3_a_connection_that_dies_after_the_send": Row(
        [[orders("lost_request")], [orders("lost_reply")], [orders("lost_reply", count=2)]],
        says=(OrderOutcomeUnknown,),
    ),
    "r4_an_answer_that_drips": Row(
        [[ask("slow_drip", pause_s=1, bytes_at_once=4)] for ask in (orders, reads)],
    ),
    "r5_an_answer_that_is_not_one": Row(
        [[ask(fault)] for fault in ("html_body", "truncated", "empty_body") for ask in (orders, reads)]
    ),
    "o1_the_answer_is_lost_after_the_order_was_taken": Row(
        [
            [orders("lost_reply"), {"fault": "listing_lag", "count": 2}],
            [orders("lost_reply"), {"fault": "drop", "channel": "user", "count": 2}],
            [orders("server_error", status=502, carried_out=True), {"fault": "cut", "channel": "user"}],
            [orders("late_reply", seconds=12)],
        ],
        says=(OrderOutcomeUnknown,),
    ),
    "o3_fills_told_twice_and_late": Row(
        [
            [{"fault": "duplicate", "channel": "user", "count": 10}],
            [{"fault": "fills_lag", "count": 3}],
            [{"fault": "cut", "channel": "user"}, {"fault": "duplicate", "channel": "user", "count": 10}],
        ]
    ),
    "o5_an_exchange_that_forgets_for_a_while": Row(
        [
            [{"fault": "empty_positions", "count": 2}, {"fault": "cut", "channel": "user"}],
            [{"fault": "order_not_found", "count": 3}, orders("lost_reply")],
            [orders("restart", seconds=3, carried_out=True)],
            [orders("restart", seconds=3, carried_out=True, cancels_orders=True)],
        ]
    ),
    "t2_a_clock_that_differs": Row(
        [[{"fault": "clock_skew", "seconds": seconds, "count": 5}] for seconds in (30, -30, 120, -120)]
    ),
}


def name_of(fault: Fault) -> str:
    return "-".join(str(value) for value in fault.values())


CASES = [
    pytest.param(faults, row.says, id=f"{name}-{'+'.join(map(name_of, faults))}")
    for name, row in ROWS.items()
    for faults in row.strikes
]


@pytest.mark.parametrize(("faults", "says"), CASES)
def test_a_session_comes_through(faults: Sequence[Fault], says: Sequence[type[Event]], tmp_path: Path) -> None:
    with session(tmp_path) as live:
        live.put(*faults)
        live.wait_struck()
        for kind in says:
            live.wait_for(kind)
        live.wait_fills(3)
        live.stop()
        must_hold(live)


def leak_the_key(folder: Path, where: str) -> None:
    with session(folder) as live:
        live.stop()
        (live.folder / where / "leak").write_text(Path(live.ready.key_file).read_text().replace("\\n", "\n"))


def leak_a_token(folder: Path) -> None:
    with session(folder) as live:
        logging.getLogger("leak").debug("Bearer %s", Client(live.ready).token())
        live.stop()


@pytest.mark.parametrize("where", ["log", "frames"])
def test_a_key_that_got_out_would_be_found(tmp_path: Path, where: str) -> None:
    with pytest.raises(AssertionError, match="a line of the key is in leak"):
        leak_the_key(tmp_path, where)


def test_a_token_that_got_out_would_be_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="a token is in logging"):
        leak_a_token(tmp_path)
