"""Keep a CloudFront edge fresh when S3 objects change, at a bill nobody has to fear.

The core decides: which paths a change makes dirty, which of them to send, and when. It is standard
library only: no clock, no environment, no network, no randomness. Use cases, such as `recorder` and
`flusher`, talk to narrow Protocols; adapters, such as `tables` and `cloudfront`, implement them and
never import each other; `composition` puts all of it together. The import contracts in
`pyproject.toml` say which module is which, and hold that.
"""
