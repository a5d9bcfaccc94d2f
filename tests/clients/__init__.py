"""Clients of S3, each in an environment of its own, drive uploads into an embedded AWS."""
