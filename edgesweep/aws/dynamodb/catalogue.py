"""DynamoDB through pynamodb: the catalogue."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import boto3
from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import PutError
from pynamodb.models import Model

from edgesweep.aws.dynamodb.models import Batches, InstantAttribute, Table, common, written
from edgesweep.record.catalogue import Entry, Name

_AT_ONCE = 16


class _Item(Model):
    """An object: unknown under a token, or known by its etag and headers."""

    pk = UnicodeAttribute(hash_key=True)
    token = UnicodeAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    headers = UnicodeAttribute(null=True)
    since = InstantAttribute(null=True)
    version = UnicodeAttribute(null=True)
    seen_at = InstantAttribute(null=True)
    checksum = UnicodeAttribute(null=True)


class CatalogueTable:
    """The table `catalogue`; see `edgesweep.record.catalogue.Catalogue`."""

    def __init__(self, name: str, session: boto3.Session) -> None:
        connection = Table(name, session)
        self._model = connection.bind(_Item)
        self._batches = Batches(connection)

    def known(self, names: Collection[Name]) -> Mapping[Name, Entry]:
        keys = [{"pk": {"S": _key(name)}} for name in names]
        items = map(self._model.from_raw_data, self._batches.read(keys))
        known = (item for item in items if item.etag is not None)
        return {_name(item.pk): Entry(**common(Entry, _Item, item)) for item in known}

    def forget(self, names: Collection[Name], token: str) -> Mapping[Name, str]:
        items = [self._model(_key(name), token=token).serialize() for name in names]
        return {_name(item["pk"]["S"]): reason for item, reason in self._batches.put(items)}

    def learn(self, entries: Mapping[Name, Entry], token: str) -> Mapping[Name, str]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            reasons = pool.map(partial(self._put, token), entries, entries.values())
            found = zip(entries, reasons, strict=True)
            return {name: reason for name, reason in found if reason is not None}

    def _put(self, token: str, name: Name, entry: Entry) -> str | None:
        """Set one entry; return the reason of a failure, None if it is set or the token is gone."""
        item = self._model(_key(name), **common(Entry, _Item, entry))
        try:
            written(item.save, _Item.token == token, add_version_condition=False)
        except PutError as error:
            return str(error)
        return None


def _key(name: Name) -> str:
    return "/".join(name)


def _name(key: str) -> Name:
    # A bucket name has no slash.
    bucket, _, key = key.partition("/")
    return bucket, key
