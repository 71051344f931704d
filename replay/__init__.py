"""Proving it: behaviours over recorded tapes and logs, and a tape played back as an exchange.

Imports `actors` and below.
"""
