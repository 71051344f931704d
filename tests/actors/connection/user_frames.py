"""What the user channel of the small exchange says of an order."""

from __future__ import annotations

import json
from decimal import Decimal

from tests.actors.connection.small_exchange import EXCHANGE_ID, Row, asked


def user_frame(row: Row, sequence: int) -> bytes:
    """The user channel's word for a state: cumulative, and on a final one nothing is left."""
    left = Decimal(0) if row["status"] != "OPEN" else Decimal(asked(row)) - Decimal(row["filled_size"])
    order = {
        "order_id": row["order_id"],
        "client_order_id": row["client_order_id"],
        "product_id": EXCHANGE_ID,
        "order_side": row["side"],
        "status": row["status"],
        "cumulative_quantity": row["filled_size"],
        "leaves_quantity": str(left),
        "filled_value": row["filled_value"],
        "total_fees": row["total_fees"],
        "order_type": "Limit",
        "time_in_force": "GOOD_UNTIL_CANCELLED",
    }
    events = [{"type": "update", "orders": [order]}]
    sent = {"channel": "user", "timestamp": row["last_fill_time"], "sequence_num": sequence, "events": events}
    return json.dumps(sent).encode()
