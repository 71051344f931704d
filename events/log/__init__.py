"""The log: one line a record, commits of whole turns, each chained to the one before. A shell: it writes files."""
