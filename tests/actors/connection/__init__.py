"""The connection to the exchange, held to the protocol over real sockets, with peers that misbehave."""
