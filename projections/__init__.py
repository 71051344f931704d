"""What it means: pure folds over records and the questions they answer. Imports `events` only."""
