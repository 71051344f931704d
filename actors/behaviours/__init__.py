"""The deterministic state machines: they hear records and say events.

They import no actor library, no I/O, and never each other.
"""
