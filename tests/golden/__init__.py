"""Logs of every released format, one folder each. They are read by the tests for ever and never written again."""
