"""The connection to the exchange: the only place in the trading process that knows the exchange's JSON."""
