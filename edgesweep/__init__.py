"""Keep a CloudFront edge fresh when S3 objects change, at a bill nobody has to fear.

The core (`errors changes paths cover baselines pricing`) is standard library only: no clock, no
environment, no network, no randomness. Use cases (`recorder flusher replay`) talk to narrow
Protocols; adapters (`tables cloudfront bucket`) implement them and never import each other.
"""
