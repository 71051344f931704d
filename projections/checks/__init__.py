"""What an order is checked for: pure questions to the account, each answered by a breach with its limit and value.

Two lists (trading rules A9): what holds for any order, and what binds only the part that increases a position, so
that an exit is never held to a limit on entries.
"""
