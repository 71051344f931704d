"""The connection of one system to one exchange: client, feeds, gateway and poller, wired.

Live: everything. Paper: the market as it is, without an account; intents go to the paper exchange.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from actors.connection.account import AccountPoller
from actors.connection.auth import Credentials
from actors.connection.capture.writing import FrameCapture
from actors.connection.client.coinbase import LIVE_REST, CoinbaseClient
from actors.connection.errors import AuthenticationError, BrokerageError
from actors.connection.feeds import FeedManners
from actors.connection.gateway import OrderGateway
from actors.connection.market_feed import CHANNELS, LIVE_MARKET_FEED, MarketFeed
from actors.connection.standing import Standing
from actors.connection.user_feed import LIVE_USER_FEED, UserFeed
from actors.door import DoorClosed, FactDoor

log = logging.getLogger(__name__)

#: Requests a minute in the trading process, unless `exchange.rate_limit_per_minute` says another number. The seed's 100
#: is for scripts: the exchange takes 30 a second from a user, and a round of the account poller alone is ten.
RATE_LIMIT_PER_MINUTE = 1200


class Part(Protocol):
    """What is started and stopped."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Address(NamedTuple):
    """Where the exchange is. `ca_file` replaces the certificates that are trusted."""

    rest: str = LIVE_REST
    ws: str = LIVE_MARKET_FEED
    user_ws: str = LIVE_USER_FEED
    ca_file: str | None = None
    proxy: str | None = None

    def __repr__(self) -> str:
        """Without the proxy, which may carry a password."""
        shown = {name: value for name, value in self._asdict().items() if name != "proxy"}
        return f"Address({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


class CaptureTo(NamedTuple):
    """Where frames are kept as received, and the most that they may take there, in bytes as compressed."""

    folder: Path
    max_bytes: int


class CoinbaseConnection:
    """`parts` are started in their order and stopped in the reverse; `shells` hear commits."""

    def __init__(
        self,
        door: FactDoor,
        now: Callable[[], int],
        unresolved: Iterable[str],
        *,
        address: Address,
        credentials: Credentials | None,
        products: Mapping[str, str],
        live: bool,
        on_refusal: Callable[[BrokerageError], None] = lambda _: None,
        standing: Standing | None = None,
        last_trades: Mapping[str, str] | None = None,
        rate_limit_per_minute: int = RATE_LIMIT_PER_MINUTE,
        manners: FeedManners = FeedManners(),  # noqa: B008 - immutable
        extra_channels: Sequence[str] = (),
        capture: CaptureTo | None = None,
        own_clock: bool = True,
        history_s: int | None = None,
    ) -> None:
        """`products` maps the exchange's ids to ours. `unresolved`: orders without an end in the log.

        `own_clock` off: session time is the exchange's. `history_s`: the interval of candles asked for at the start.

        Raises `AuthenticationError` for live trading without a key.
        """
        if live and credentials is None:
            raise AuthenticationError("live trading needs an API key")
        self._client = CoinbaseClient(
            address.rest,
            credentials,
            rate_limit_per_minute=rate_limit_per_minute,
            ca_file=address.ca_file,
            proxy=address.proxy,
        )
        self._is_live = live
        manners = manners._replace(ca_file=address.ca_file, proxy=address.proxy)
        account = AccountPoller(
            door,
            self._client,
            products,
            now,
            with_account=live,
            own_clock=own_clock,
            history_s=history_s,
            on_refusal=on_refusal,
        )
        market = MarketFeed(
            door,
            address.ws,
            products,
            credentials=credentials,
            channels=(*CHANNELS, *extra_channels),
            last_trades=last_trades,
            manners=manners,
            capture=_capture(capture, "market", products, last_trades),
        )
        self._account = account
        self.parts: tuple[Part, ...]
        self.shells: tuple[OrderGateway | AccountPoller, ...]
        wires = _Wires(self._client)
        if live and credentials is not None:
            gateway = OrderGateway(door, self._client, products, now, standing=standing, unresolved=unresolved)
            user = UserFeed(
                door,
                address.user_ws,
                products,
                credentials=credentials,
                catch_up=account.catch_up,
                manners=manners,
                capture=_capture(capture, "user", products),
            )
            self.parts = (wires, gateway, account, market, user)
            self.shells = (gateway, account)
        else:
            self.parts = (wires, account, market)
            self.shells = (account,)

    def last_look(self) -> int | None:
        """One more round of questions, so that the log ends with the exchange's own view, and the exchange's time then.

        A failure is logged.
        """
        if not self._is_live:
            return None
        try:
            self._account.reconcile()
            return self._client.get_time().iso
        except DoorClosed:
            log.info("the door closed before the last look")
        except BrokerageError as error:
            log.warning("the last look at the account failed: %s", error)
        return None

    def cancel_all_once(self) -> None:
        """Cancel what rests, once, without an intent."""
        for part in self.parts:
            if isinstance(part, OrderGateway):
                done = part.cancel_all_once()
                log.error("%d resting orders cancelled, %d refused; %s", len(done.asked), len(done.refused), done.error)


def _capture(
    to: CaptureTo | None, feed: str, products: Mapping[str, str], last_trades: Mapping[str, str] | None = None
) -> FrameCapture | None:
    """The files of one feed; each of the two has half of the room."""
    if to is None:
        return None
    return FrameCapture(to.folder, feed, products, last_trades=last_trades, max_bytes=to.max_bytes // 2)


class _Wires:
    """The client's connections: closed when everything that uses them has ended."""

    def __init__(self, client: CoinbaseClient) -> None:
        self._client = client

    def start(self) -> None:
        """Connections open when they are needed."""

    def stop(self) -> None:
        self._client.close()
