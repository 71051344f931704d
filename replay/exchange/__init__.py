"""A tape played back as an exchange: Coinbase's REST, WebSocket and tokens on loopback, with its own clock and books.

`venue` is the exchange without sockets, deterministic and testable alone: its market, its books, the orders at work on
its `floor`, and `acts`, what is done to it besides orders. `server` puts it behind one port. The books
are the exchange's own arithmetic and share none with the projections, or the two could not check each other; only the
matching of orders (`projections.matching`, `triggers`, `parts`) is shared with paper trading.
`faults` names what can be made to go wrong on the wire, `settings` what is not known of the real exchange.
Imports `events`, those three of `projections`, and `replay.tapes`. Never faces anything but this machine.
"""
