"""The strategy kit: a strategy on generated markets, under every law that it must keep, before it meets a real one.

    trial = tried(setting_of("my_module:MyStrategy", {}), examples=50)
    trial.failure                       # None, or the simplest stream found, the law, and how it failed
    keep(trial, folder)                 # that stream as a tape, with its configuration and its log

Imports `actors`, `events`, `projections` and the rest of `replay`.
"""

from replay.strategy_kit.keeping import Kept, keep
from replay.strategy_kit.laws import LAWS, Fault
from replay.strategy_kit.sessions import setting_of
from replay.strategy_kit.trial import Failure, KitMissing, Trial, tried

__all__ = ["LAWS", "Failure", "Fault", "Kept", "KitMissing", "Trial", "keep", "setting_of", "tried"]
