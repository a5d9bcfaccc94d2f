"""Keep a CloudFront edge fresh when S3 objects change, at a bill nobody has to fear.

A change flows through four rooms, from the top of this list to the bottom:

- `record` reads a message of S3 and writes one dirty row for each distribution concerned.
- `routes` says which distributions serve an object, and under which viewer paths.
- `cover` chooses the cheapest invalidation paths for the viewer paths that are dirty.
- `flush` decides when to send and for how much, journals the flush, and asks CloudFront once.

These rooms decide and reach nothing: `aws` reaches AWS for them, `settings` checks a deployment's
parameters, and `wiring` puts all of it together. Three rooms are never deployed: `operate` is for
the person who runs a stack, `lab` asks what other strategies would have cost, `cli` is the command.
"""

__version__ = "0.2.0.dev0"
