"""The strategy kit: what it passes, what it finds, and what it leaves behind."""
