"""The only places where the product may still leave an old answer at an edge."""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

# What no story holds yet, and the reason. To take a line away is to hold the product to it.
NOT_YET: Mapping[str, str] = {
    "rewriting functions": "nobody asks Lambda@Edge, or for a folder that only a function knows",
    "origin-response functions": "a path of the key's own hides what a function answers elsewhere",
    "folders without their slash": "routes follow them only where a user says `bare`",
    "error documents of websites": "routes do not read the website configuration of a bucket",
}


def allowed(*options: tuple[str, T]) -> list[T]:
    """Return the options that need nothing of the table; each comes with what it needs."""
    return [option for needs, option in options if needs not in NOT_YET]
