"""What happened: the vocabulary of events, records, their codec, and the log they are kept in.

Imports nothing of ours.
"""
