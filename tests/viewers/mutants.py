"""Mistakes about a distribution, put into the production code from outside."""

import re
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

from edgesweep import paths
from edgesweep.aws import cloudfront
from edgesweep.routes import Routes, Variants
from tests.viewers.configurations import Config

_WEBSITE = re.compile(r"s3-website[.-]")


def index_documents_ignored() -> AbstractContextManager[object]:
    """Neither functions nor websites are followed to the index document of a folder."""
    return _read(lambda config: _without_functions(_rest(config)))


def root_ignored() -> AbstractContextManager[object]:
    """The default root object has no second path."""
    return _read(lambda config: {**config, "DefaultRootObject": ""})


def origin_path_kept() -> AbstractContextManager[object]:
    """The whole key counts as the viewer path."""
    return _read(lambda config: _origins(config, lambda one: {**one, "OriginPath": ""}))


def first_behaviour_always() -> AbstractContextManager[object]:
    """No path pattern is compared."""

    def changed(config: Config) -> Config:
        first, *_ = (*_items(config, "CacheBehaviors"), config["DefaultCacheBehavior"])
        default = {name: value for name, value in first.items() if name != "PathPattern"}
        return {**config, "CacheBehaviors": {"Quantity": 0}, "DefaultCacheBehavior": default}

    return _read(changed)


def second_origin_ignored() -> AbstractContextManager[object]:
    """The secondary origin of a group answers nobody."""

    def changed(config: Config) -> Config:
        groups = [
            {**group, "Members": {"Items": group["Members"]["Items"][:1]}}
            for group in _items(config, "OriginGroups")
        ]
        return {**config, "OriginGroups": {"Items": groups}}

    return _read(changed)


def query_strings_ignored() -> AbstractContextManager[object]:
    """No query string is part of the cache key."""

    def changed(one: Config) -> Config:
        return {name: value for name, value in one.items() if name not in _KEYS}

    return _read(lambda config: _behaviours(config, changed))


def error_pages_ignored() -> AbstractContextManager[object]:
    """No error page is shown under other paths."""
    return _read(lambda config: {**config, "CustomErrorResponses": {"Quantity": 0}})


def website_taken_for_rest() -> AbstractContextManager[object]:
    """A website endpoint counts as a REST endpoint."""
    return _read(_rest)


def function_not_probed() -> AbstractContextManager[object]:
    """Nobody asks what a function does."""
    return mock.patch.object(cloudfront, "probed", lambda newest, *_: list(newest))


def folder_without_slash_ignored() -> AbstractContextManager[object]:
    """A folder has no path without its slash, whatever the user says."""
    real = Routes.viewer_paths

    def ignoring(self: Routes, distribution: str, bucket: str, key: str) -> Collection[str]:
        found = real(self, distribution, bucket, key)
        return [path for path in found if f"{path}/" not in found]

    return mock.patch.object(Routes, "viewer_paths", ignoring)


def tilde_sent_encoded() -> AbstractContextManager[object]:
    """`%7E` is sent for `~`, which CloudFront accepts and ignores."""
    without = re.compile(paths._INEXACT.pattern.replace("~", ""))
    return mock.patch.object(paths, "_INEXACT", without)


def spellings_ignored() -> AbstractContextManager[object]:
    """Each path has one spelling."""
    return mock.patch.object(Variants, "spelled", lambda _, path: (path,))


# The parts of a behaviour's cache key.
_KEYS = ("CachePolicyId", "ForwardedValues")


def _read(changed: Callable[[Config], Config]) -> AbstractContextManager[object]:
    """Let discovery read another configuration than there is."""
    real = vars(cloudfront)["read"]

    def misread(identity: str, config: Config, *rest: Any, **more: Any) -> object:
        return real(identity, changed(config), *rest, **more)

    return mock.patch.object(cloudfront, "read", misread)


def _rest(config: Config) -> Config:
    return _origins(
        config, lambda one: {**one, "DomainName": _WEBSITE.sub("s3.", one["DomainName"])}
    )


def _without_functions(config: Config) -> Config:
    return _behaviours(
        config,
        lambda one: {name: value for name, value in one.items() if "Function" not in name},
    )


def _origins(config: Config, changed: Callable[[Config], Config]) -> Config:
    return {**config, "Origins": {"Items": list(map(changed, _items(config, "Origins")))}}


def _behaviours(config: Config, changed: Callable[[Config], Config]) -> Config:
    return {
        **config,
        "DefaultCacheBehavior": changed(config["DefaultCacheBehavior"]),
        "CacheBehaviors": {"Items": list(map(changed, _items(config, "CacheBehaviors")))},
    }


def _items(config: Config, name: str) -> list[Any]:
    items: list[Any] = config[name].get("Items", [])
    return items
