"""A tape played back as an exchange: Coinbase's REST, WebSocket and tokens on loopback, with its own clock and books.

`venue` is the exchange without sockets, deterministic and testable alone; `server` puts it behind one port. The books
are the exchange's own arithmetic and share none with the projections, or the two could not check each other; only the
matching of orders (`projections.matching`) is shared with paper trading.
`faults` names what can be made to go wrong on the wire, `settings` what is not known of the real exchange.
Imports `events`, `projections.matching` and `replay.tapes`. Never faces anything but this machine.
"""
