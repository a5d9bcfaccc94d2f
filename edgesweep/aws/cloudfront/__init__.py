"""CloudFront through boto3: distributions, and the answers to invalidations."""

from edgesweep.aws.cloudfront.distributions import DISCOVERY_CONFIG, Distributions
from edgesweep.aws.cloudfront.invalidations import CLIENT_CONFIG, Account, CloudFront

__all__ = ["CLIENT_CONFIG", "DISCOVERY_CONFIG", "Account", "CloudFront", "Distributions"]
