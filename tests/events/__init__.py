"""The vocabulary, the codec and the log keep their promises."""
