"""CloudFront through boto3: distributions, and the answers to invalidations."""

from edgesweep.cloudfront.distributions import DISCOVERY_CONFIG, Distributions
from edgesweep.cloudfront.invalidations import CLIENT_CONFIG, CloudFront

__all__ = ["CLIENT_CONFIG", "DISCOVERY_CONFIG", "CloudFront", "Distributions"]
