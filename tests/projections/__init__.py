"""The folds and their questions."""
