"""Dirty rows in, at most one invalidation for each distribution and tick.

One flush: `tick`, `flusher`, `policy`, `planning`, `choice`, `sender`, `sweeping`, `journal`. Its
money: `budget`, `pace`, `others`, `auditing`. Around it: `wake`, `discovery`, `gaps`, `redrive`,
`metrics`, `announcing`.
"""
