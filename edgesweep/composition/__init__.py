"""The composition roots: use cases, built from settings and from whatever reaches AWS.

The functions and the command line build theirs here, so that both do the same.
"""
