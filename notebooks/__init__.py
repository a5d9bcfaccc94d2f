"""The cost notebook, and what runs it."""
