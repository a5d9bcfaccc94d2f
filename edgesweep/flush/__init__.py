"""Dirty rows in, at most one invalidation for each distribution and tick."""
