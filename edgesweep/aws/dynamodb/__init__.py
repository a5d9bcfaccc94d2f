"""DynamoDB through pynamodb: dirty rows, catalogue, routes, and the journal with its leases."""

from edgesweep.aws.dynamodb.catalogue import CatalogueTable
from edgesweep.aws.dynamodb.dirty import DirtyTable
from edgesweep.aws.dynamodb.flushes import FlushTable, RoutesTable

__all__ = ["CatalogueTable", "DirtyTable", "FlushTable", "RoutesTable"]
