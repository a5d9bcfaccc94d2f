"""A versioned bucket that reports to EventBridge: only what its viewers are served costs paths."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.conftest import Stack
from tests.e2e.shared.test_unchanged import sent

FILES = 40
VERSIONS = 21


@pytest.fixture(scope="module", name="stack")
def _stack(stacks: Mapping[str, Stack]) -> Stack:
    return stacks["attached"]


def test_plus(stack: Stack) -> None:
    """Every file is uploaded again, `c++.html` too, and one has another header: one exact path."""
    names = ["c++.html", *(f"{number:03}.html" for number in range(FILES - 1))]

    def upload(**header: str) -> None:
        for name in names:
            changed = header if name == names[-1] else {}
            key = f"plus/{name}"
            stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=name.encode(), **changed)

    sent(stack, upload)

    assert sent(stack, lambda: upload(CacheControl="no-store")) == [{f"/plus/{names[-1]}"}]


def test_removals(stack: Stack) -> None:
    """Versions that nobody is served go without a path; the current one and its marker have one."""
    place = {"Bucket": stack.bucket, "Key": "versions/page.html"}

    def write() -> None:
        for number in range(VERSIONS):
            stack.s3.put_object(**place, Body=str(number).encode())

    def remove(*versions: str) -> None:
        for version in versions:
            stack.s3.delete_object(**place, VersionId=version)

    def listed() -> Any:  # noqa: ANN401  # the answer of a boto3 client
        return stack.s3.list_object_versions(Bucket=stack.bucket, Prefix=place["Key"])

    sent(stack, write)
    current, *others = [one["VersionId"] for one in listed()["Versions"]]
    assert len(others) == VERSIONS - 1

    path = [{"/versions/page.html"}]
    assert sent(stack, lambda: remove(*others)) == []
    assert sent(stack, lambda: stack.s3.delete_object(**place)) == path
    (mark,) = listed()["DeleteMarkers"]
    assert sent(stack, lambda: remove(mark["VersionId"])) == path
    assert sent(stack, lambda: remove(current)) == path
