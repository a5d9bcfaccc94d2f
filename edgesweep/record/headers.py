"""Which headers of an object count as seen by viewers, and their fingerprint.

Tools keep times, owners and digests of a file in its user metadata, and change them although the
file is the same. CloudFront sends them to viewers, but no viewer depends on them, so they do not
count. An edge may therefore still send earlier metadata until the object expires.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from edgesweep.routes.patterns import matches

# Response headers that S3 returns as they were uploaded, beside user metadata.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html#API_HeadObject_ResponseSyntax
_VIEWED = {
    *("cache-control", "content-disposition", "content-encoding", "content-language"),
    *("content-type", "expires", "x-amz-website-redirect-location"),
}
_METADATA = "x-amz-meta-"

# User metadata that tools keep for themselves, without `_METADATA`.
BOOKKEEPING: Sequence[str] = (
    # rclone (https://rclone.org/s3/#metadata) and s3fs, with "xattr" for extended attributes.
    *("atime", "btime", "ctime", "gid", "md5chksum", "mode", "mtime", "uid", "xattr"),
    # s3cmd, s4cmd, and the MinIO client with --preserve.
    *("s3cmd-attrs", "md5", "privilege", "mc-attrs"),
    # DataSync and File Gateway, with nanoseconds; s5cmd has the same names.
    # https://docs.aws.amazon.com/fsx/latest/LustreGuide/posix-metadata-support.html
    *("file-atime", "file-ctime", "file-group", "file-mtime", "file-owner", "file-permissions"),
)

# Release 0.1.0 left out nothing. If you change `BOOKKEEPING`, add its old value here.
_EARLIER: Sequence[Sequence[str]] = (BOOKKEEPING, ())


def fingerprints(headers: Mapping[str, str], ignored: Sequence[str] = ()) -> tuple[str, ...]:
    """Return digests of what viewers see of S3's headers, which have lower-case names.

    The first follows today's rule, which also leaves out the `ignored` names of user metadata, or
    patterns such as `build-*`. The others follow the rules of earlier releases and deployments. A
    digest includes its rule, so two digests are equal only if their rule and all headers that count
    by it are equal. An entry is compared by the rule that it was made by.

    >>> fingerprints({"x-amz-meta-mtime": "1"})[0] == fingerprints({"date": "now"})[0]
    True
    """
    rules = dict.fromkeys(((*BOOKKEEPING, *sorted(set(ignored))), *_EARLIER))
    return tuple(_digest(headers, rule) for rule in rules)


def metadata_name(name: str) -> str:
    """Return a name of user metadata, or a pattern, as `fingerprints` expects it.

    >>> metadata_name("X-Amz-Meta-Build")
    'build'
    """
    return name.lower().removeprefix(_METADATA)


def _digest(headers: Mapping[str, str], rule: Sequence[str]) -> str:
    viewed = sorted(one for one in headers.items() if one[0] in _VIEWED or _counts(one[0], rule))
    return hashlib.sha256(json.dumps([rule, viewed] if rule else viewed).encode()).hexdigest()


def _counts(header: str, rule: Iterable[str]) -> bool:
    """Tell whether a header is user metadata that is not left out."""
    name = header.removeprefix(_METADATA)
    return name != header and not any(matches(pattern, name) for pattern in rule)
