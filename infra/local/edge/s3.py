"""The answers of a bucket, at its REST endpoint and at its website endpoint.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, unquote, unquote_plus

REDIRECT = "x-amz-website-redirect-location"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response, to a GET.

    Attributes:
        status: its code.
        body: its bytes.
        headers: names in lower case.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Website:
    """The website configuration of a bucket.

    Attributes:
        index: the index document's name.
        error: key of the error document; empty without one.
    """

    index: str = "index.html"
    error: str = ""


class Buckets(Protocol):
    """The buckets as they are now."""

    def read(self, bucket: str, key: str) -> Answer | None:
        """Return an object as the answer 200 with its headers, None if there is none."""
        ...

    def website(self, bucket: str) -> Website:
        """Return a bucket's website configuration."""
        ...


def rest(buckets: Buckets, bucket: str, path: str, *, listable: bool = True) -> Answer:
    """Return what the REST endpoint answers to a raw path.

    "If the object that you request doesn't exist, the error that Amazon S3 returns depends on
    whether you also have the s3:ListBucket permission": 404 with it, 403 without.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html

    Which object a plus sign means is not documented: here the one of that name, else the one with a
    space in its place.
    """
    keys = dict.fromkeys(read(path)[1:] for read in (unquote, unquote_plus))
    answers = (buckets.read(bucket, key) for key in keys if key)
    found = next((one for one in answers if one is not None), None)
    if found is None:
        return Answer(404 if listable else 403)
    # The REST endpoint hands the object out, whatever its redirect says.
    return found


def website(buckets: Buckets, bucket: str, path: str) -> Answer:
    """Return what the website endpoint answers to a raw path.

    - "When a request is for a folder, Amazon S3 returns the index document in that folder."
    - "If you exclude the trailing slash, S3 first looks for an object of that name; if it is not
      found, it searches for an index document" and "returns a 302" to the path with the slash.
    - "If an error occurs, Amazon S3 returns the error document."
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/IndexDocumentSupport.html
    """
    site = buckets.website(bucket)
    key = unquote(path)[1:]
    name = key + site.index if not key or key.endswith("/") else key
    found = buckets.read(bucket, name)
    if found is not None:
        location = found.headers.get(REDIRECT)
        return Answer(301, b"", {"location": location}) if location else found
    if name == key and buckets.read(bucket, f"{key}/{site.index}") is not None:
        return Answer(302, b"", {"location": quote(f"/{key}/")})
    page = buckets.read(bucket, site.error) if site.error else None
    return Answer(404) if page is None else Answer(404, page.body, page.headers)
