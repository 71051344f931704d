"""Replay, tapes and the local exchange."""
