"""The strategies that ship, and what a strategy is. Pure, like the behaviours; imports `events` and `projections`."""
