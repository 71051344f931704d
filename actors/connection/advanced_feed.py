"""A feed of Advanced Trade: one sequence over all channels, an acknowledgement in sum, heartbeats besides."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import msgspec

from actors.connection.auth import Credentials
from actors.connection.capture.writing import FrameCapture
from actors.connection.feeds import Feed, FeedManners
from actors.connection.frames import Frame
from actors.connection.hearing import Hearing, Wanted
from actors.connection.socket import FeedSocket
from actors.door import FactDoor
from events.record import AnyEvent


class AdvancedFeed(Feed):
    """What the market and the user feed share."""

    def __init__(
        self,
        door: FactDoor,
        url: str,
        products: Mapping[str, str],
        *,
        credentials: Credentials | None,
        manners: FeedManners,
        capture: FrameCapture | None = None,
    ) -> None:
        """`products` maps the exchange's ids to ours."""
        super().__init__(door, url, products, manners=manners, capture=capture)
        self._credentials = credentials

    @abstractmethod
    def wanted(self) -> Sequence[Wanted]:
        """The channels this feed lives on, besides heartbeats."""

    def all_wanted(self) -> Sequence[Wanted]:
        """What is subscribed, in this order."""
        return [*self.wanted(), Wanted("heartbeats")]

    @abstractmethod
    def facts_of(self, frame: Frame) -> Sequence[AnyEvent]:
        """What a frame in its place brought that was not told before."""

    def took(self, frame: Frame) -> None:
        """Tell what a frame in its place brought."""
        events = self.facts_of(frame)
        if events:
            self.tell(events, frame.at)

    def hear_all(self, socket: FeedSocket) -> None:
        hearing = Hearing(self.all_wanted(), self._products)
        due = time.monotonic() + self._manners.ack_timeout_s
        while True:
            raw = self.receive(socket)
            was_whole = hearing.is_whole
            for frame in hearing.hear(raw):
                if not was_whole and frame.subscriptions is not None:
                    self.tell_subscribed(frame.at)
                else:
                    self.took(frame)
            if not hearing.is_whole:
                self.expect_before(due)

    def subscribe_message(self, wanted: Wanted) -> str:
        """What is sent for one channel and a chunk of its products, with a token of its own."""
        message: dict[str, object] = {"type": "subscribe", "channel": wanted.channel}
        if wanted.product_ids:
            message["product_ids"] = wanted.product_ids
        if self._credentials is not None:
            message["jwt"] = self._credentials.subscribe_token()
        return msgspec.json.encode(message).decode()
