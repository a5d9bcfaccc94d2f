"""The function that new rows wake."""

from datetime import timedelta
from typing import Any

import pytest

from edgesweep.dirty import UNROUTED
from tests.handlers.conftest import Deployment, invalidations, row


def inserted(*distributions: str) -> dict[str, Any]:
    """Return the records of new rows in DynamoDB's stream: their keys alone."""
    keys = [{"pk": {"S": f"{one}#0"}, "sk": {"S": "2026"}} for one in distributions]
    return {"Records": [{"eventName": "INSERT", "dynamodb": {"Keys": one}} for one in keys]}


def test_woken(deployment: Deployment) -> None:
    """The rows that woke it are sent once they rest, by the distributions that are kept."""
    flush = deployment.load("flush")
    flush()
    deployment.dirty.add([row(deployment, "a.html", timedelta(seconds=5))])

    flush.module.woken(inserted(deployment.distribution, UNROUTED), None)

    assert invalidations(deployment) == [["/a.html"]]


def test_unknown(deployment: Deployment) -> None:
    """Before the first look at the distributions, it leaves everything to the tick."""
    deployment.dirty.add([row(deployment, "a.html", timedelta(seconds=5))])

    deployment.load("flush").module.woken(inserted(deployment.distribution), None)

    assert invalidations(deployment) == []


def test_no_wake(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `wake=false` nothing looks once more after a flush, nor at a row that wakes it."""
    monkeypatch.setenv("WAKE", "false")
    flush = deployment.load("flush")
    flush()
    deployment.dirty.add([row(deployment, "a.html", timedelta(seconds=5))])

    flush.module.woken(inserted(deployment.distribution), None)

    assert invalidations(deployment) == []
