"""The behaviours and the shells."""
