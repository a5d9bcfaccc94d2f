"""Prices of AWS, as dated data.

They decide which paths are chosen, in US dollars; `notebooks.cost.prices` lists all prices.
"""

from decimal import Decimal

# "First 1,000 paths requested for invalidation each month free, then $0.005 per path."
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/PayingForInvalidation.html
PATH_PRICE = Decimal("0.005")
FREE_PATHS = 1_000

# S3 Standard GET, and LIST of up to 1,000 keys, us-east-1: https://aws.amazon.com/s3/pricing/
S3_GET_PRICE = Decimal("0.0000004")
S3_LIST_PRICE = Decimal("0.000005")
# Request units of DynamoDB on demand, us-east-1: https://aws.amazon.com/dynamodb/pricing/on-demand/
WRITE_PRICE = Decimal("0.000000625")
READ_PRICE = Decimal("0.000000125")
CENT = Decimal("0.01")
# Regional edge caches, which fetch an object again: https://aws.amazon.com/cloudfront/features/
EDGE_CACHES = 13
REFETCH_COST = S3_GET_PRICE * EDGE_CACHES  # dollars to invalidate one object that had not changed


def invalidation_bill(paths: int, free_paths: int = FREE_PATHS) -> Decimal:
    """Return what `paths` invalidation paths of one month and account cost, in dollars."""
    return PATH_PRICE * max(0, paths - free_paths)
