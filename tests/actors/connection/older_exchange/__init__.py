"""The older Exchange."""
