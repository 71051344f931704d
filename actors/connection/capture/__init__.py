"""Frames kept as received: writing them, their format, reading a file, and the facts decoded again."""
