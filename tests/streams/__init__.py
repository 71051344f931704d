"""Streams of what could happen, drawn by hypothesis, and the desk at which behaviours hear them."""
