"""What holds for every test: no real AWS account, and the same examples in every run of CI."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("edgesweep", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("edgesweep")


@pytest.fixture(scope="session", autouse=True)
def _no_account() -> Iterator[None]:
    """Give every AWS client credentials that open nothing, and a region."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_PROFILE", raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield
