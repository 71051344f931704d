"""Tapes: recorded or generated streams of one product's market, in exchange time, that can be played again.

    tape = open_tape(path)                  # a recording, its format known by its content
    tape = generated_tape(seed=7)           # a market that never was, the same for the same seed
    for time, event in tape: ...            # market events and funding rates, never back in time
    for time, event in tape.facts(): ...    # the same with the product's listing first

Imports `events` only.
"""

from replay.tapes.formats import open_tape
from replay.tapes.generated import generated_tape
from replay.tapes.recorded import record_tape
from replay.tapes.tape import Tape, TapeUnreadable, merged

__all__ = ["Tape", "TapeUnreadable", "generated_tape", "merged", "open_tape", "record_tape"]
