"""Who acts: behaviours (pure), and the shells that run them. Imports `events` and `projections`."""
