"""The other process of a trial: `python -m replay.strategy_kit` reads questions and answers them."""

from replay.strategy_kit.fresh import main

main()
