"""DynamoDB through pynamodb: dirty rows, the journal with its ledger and leases, and the routes."""

from edgesweep.tables.dirty import DirtyTable
from edgesweep.tables.flushes import FlushTable
from edgesweep.tables.routes import RoutesTable

__all__ = ["DirtyTable", "FlushTable", "RoutesTable"]
