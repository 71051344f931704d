"""The connection to the exchange: the only place in the trading process that knows the exchange's JSON.

    live.py        all of it wired: client, feeds, gateway, poller
    client/        the REST surface as a table of contents: a module for each family of requests, its replies beside it;
                   `line` is one request, `wire` one reply, `limits` who goes first
    older_exchange/  the older Exchange, for scripts alone
    feeds.py       a WebSocket connection after another; `frames` turns what they bring into events
    capture/       frames kept as received, and decoded again
    gateway.py     intents leave here, once; `standing` may hold them, `sender` sends, `searches` find out
    account.py     what the exchange says of products, orders, positions and cash, in rounds

Facts leave through the door; intents are heard after their commit. Imports `events` and `actors.door`, nothing else of
ours.
"""
