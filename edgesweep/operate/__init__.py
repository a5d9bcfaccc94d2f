"""Answers to a person about a deployed stack; never deployed."""
