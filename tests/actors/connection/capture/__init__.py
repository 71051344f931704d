"""Frames kept as received."""
