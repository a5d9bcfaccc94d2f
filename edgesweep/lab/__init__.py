"""Replays of strategies, and their costs; never deployed."""
