"""When a wildcard is worth what it hits, by the site's size and how many caches fetch again."""

from decimal import Decimal

from edgesweep.prices import EDGE_CACHES, PATH_PRICE, S3_GET_PRICE, break_even

# One cache: Origin Shield. Thirteen: the regional ones. A hundred: where regional caches are passed
# over, as they are near the bucket's own region, every location that is asked fetches for itself.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HowCloudFrontWorks.html
FAN_OUTS = 1, EDGE_CACHES, 100


def worth(caches: int = EDGE_CACHES, paths_saved: int = 1) -> int:
    """Return how many unchanged objects a wildcard may hit for the paths that it saves.

    Args:
        caches: how many fetch each object again.
        paths_saved: how many paths fewer are sent.
    """
    return int(break_even(paths_saved, S3_GET_PRICE * caches))


def everything_from(objects: int, caches: int = EDGE_CACHES) -> int:
    """Return from how many changed objects on `/*` costs no more than one path for each.

    With n of them changed `/*` costs p + r * (objects - n), and single paths p * n, where p is the
    price of a path and r that of fetching an object again: n = (p + r * objects) / (p + r).

    Args:
        objects: of the whole site, at least 1.
        caches: how many fetch each object again.
    """
    refetch = S3_GET_PRICE * caches
    least = (PATH_PRICE + refetch * objects) / (PATH_PRICE + refetch)
    return int(least.to_integral_value(rounding="ROUND_CEILING"))


def refetched(collateral: int, caches: int = EDGE_CACHES) -> Decimal:
    """Return dollars for the S3 requests that collateral causes."""
    return S3_GET_PRICE * caches * collateral
