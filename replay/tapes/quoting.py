"""The other side of a generated market: ten levels a side around the fair price, in whole ticks and contracts."""

from __future__ import annotations

from random import Random

LEVELS = 10

#: Changes of one side: (price in ticks, contracts); zero contracts remove a level.
Changes = list[tuple[int, int]]


class Ladders:
    """Bids and asks by tick. Never crossed, never empty, never a level of zero."""

    def __init__(self, lots: Random, *, fair_ticks: float) -> None:
        self._lots = lots
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.requote(fair_ticks, half_spread=1.0)

    @property
    def best_bid(self) -> int:
        return max(self.bids)

    @property
    def best_ask(self) -> int:
        return min(self.asks)

    def requote(self, fair_ticks: float, *, half_spread: float) -> tuple[Changes, Changes]:
        """Move both sides to the fair price; returns the levels that changed."""
        top_bid = max(LEVELS, int(fair_ticks - half_spread + 0.5))
        top_ask = max(top_bid + 1, int(fair_ticks + half_spread + 0.5))
        return (
            self._fill(self.bids, range(top_bid, top_bid - LEVELS, -1)),
            self._fill(self.asks, range(top_ask, top_ask + LEVELS)),
        )

    def resize(self) -> tuple[Changes, Changes]:
        """Somebody changes the size of a level or two."""
        changed: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for _ in range(self._lots.randint(1, 2)):
            side = self._lots.randrange(2)
            ladder = (self.bids, self.asks)[side]
            price = self._lots.choice(sorted(ladder))
            changed[side][price] = ladder[price] = self._size(abs(price - (self.best_bid, self.best_ask)[side]))
        return list(changed[0].items()), list(changed[1].items())

    def take(self, *, buys: bool, contracts: int) -> tuple[Changes, Changes]:
        """A taker walks the other side. Returns what traded at which price, and the levels that changed."""
        ladder = self.asks if buys else self.bids
        prints: Changes = []
        changes: Changes = []
        for price in sorted(ladder, reverse=not buys)[:-1]:  # the last level always stands
            part = min(contracts, ladder[price])
            contracts -= part
            left = ladder[price] - part
            if left:
                ladder[price] = left
            else:
                del ladder[price]
            prints.append((price, part))
            changes.append((price, left))
            if not contracts:
                break
        return prints, changes

    def _fill(self, ladder: dict[int, int], prices: range) -> Changes:
        if len(ladder) == LEVELS and prices[0] in ladder and prices[-1] in ladder:
            return []  # as it should be: the ten prices between its ends are all there
        wanted = set(prices)
        changes: Changes = [(price, 0) for price in sorted(ladder) if price not in wanted]
        for price, _ in changes:
            del ladder[price]
        for depth, price in enumerate(prices):
            if price not in ladder:
                ladder[price] = self._size(depth)
                changes.append((price, ladder[price]))
        return changes

    def _size(self, depth: int) -> int:
        """Contracts at a level: more behind the best, with a long tail."""
        return 1 + int(self._lots.lognormvariate(2.2 + 0.12 * depth, 0.8))
