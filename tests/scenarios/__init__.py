"""Whole stories, end to end over real sockets."""
