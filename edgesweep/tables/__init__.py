"""DynamoDB through pynamodb: dirty rows, and the journal with its ledger and leases."""

from edgesweep.tables.dirty import DirtyTable
from edgesweep.tables.flushes import FlushTable

__all__ = ["DirtyTable", "FlushTable"]
