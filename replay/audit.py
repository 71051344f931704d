"""The audit in SQL: the books of an exported log recomputed by DuckDB, in decimals, with none of our arithmetic.

`audit.sql` is the audit; this module runs it and sets its result beside the projections. Needs the extra `audit`.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec

from replay.statement import Statement

QUERIES = Path(__file__).with_name("audit.sql")


class AuditImpossible(Exception):
    """The audit cannot be run: the sentence says why."""


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What the queries come to, in quote currency. `unrealized_pnl` is None when an open position has no price.

    `funding` is what was booked; `funding_recomputed` is made of position, mark and rate as of each boundary. They
    differ where the books rest on something else: a rate that never came, an amount that the exchange paid.
    """

    start_equity: Decimal | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None
    fees: Decimal
    funding: Decimal
    funding_recomputed: Decimal
    transfers: Decimal


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, by the projections and by the queries."""

    figure: str
    projections: Decimal | None
    queries: Decimal | None

    @property
    def agrees(self) -> bool:
        return self.projections == self.queries


def audit(exported: Path) -> Books:
    """Run the queries over a log exported as lines of JSON. Raises `AuditImpossible`."""
    try:
        import duckdb
    except ImportError as error:
        raise AuditImpossible('the audit needs DuckDB: pip install "perptape[audit]"') from error
    with duckdb.connect() as connection:
        try:
            connection.execute("set variable log = $1", [str(exported)])
            connection.execute(QUERIES.read_text("utf-8"))
            rows = connection.execute("from result")
            return Books(**dict(zip([column[0] for column in rows.description], rows.fetchall()[0], strict=True)))
        except duckdb.Error as error:
            raise AuditImpossible(f"{exported}: {error}") from error


def compared(books: Books, ours: Statement) -> list[Line]:
    """Every figure that both have, side by side."""
    names = [name for name in Books.__struct_fields__ if name != "funding_recomputed"]
    return [Line(figure=name, projections=getattr(ours, name), queries=getattr(books, name)) for name in names]
