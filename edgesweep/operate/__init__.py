"""Queries and checks of a deployed stack, for people; never deployed."""
