"""DynamoDB through pynamodb: dirty rows, catalogue, routes, and the journal with its leases."""

from edgesweep.tables.catalogue import CatalogueTable
from edgesweep.tables.dirty import DirtyTable
from edgesweep.tables.flushes import FlushTable
from edgesweep.tables.routes import RoutesTable

__all__ = ["CatalogueTable", "DirtyTable", "FlushTable", "RoutesTable"]
