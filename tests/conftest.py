"""What holds for every test: no real AWS account, the same examples in every run of CI, its lane.

Tests run in several processes. Those of a folder that needs something costly, an embedded AWS, a
compiled deployment, an engine of JavaScript or a run of the notebook, stay together in one of them
and begin first: many of them wait.
Coverage is a matter of the handlers' tests and of the unit tests, but for those of what is never
deployed: a traced test takes twice as long.
"""

import gc
import os
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.loaders import create_loader
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile(
    "edgesweep",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],  # so may the machine be
)
settings.load_profile("edgesweep")

_TESTS = Path(__file__).parent
_TOGETHER = ("clients", "contract", "e2e", "infra", "notebooks", "viewers")
_NEVER_DEPLOYED = ("bench", "cli", "lab", "local")


class _Lanes(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Hands out folders of tests that stay together as a whole, and every other test by itself."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.rpartition("/")[0] if nodeid.split("/")[1] in _TOGETHER else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Lanes:  # noqa: ANN401  # xdist's own
    """Let the tests keep to their lanes."""
    return _Lanes(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Stop what pytest-cov traces in a worker beside the worker's own: no marker pauses it."""
    if hasattr(config, "workerinput") and (coverage := config.pluginmanager.get_plugin("_cov")):
        coverage.cov_controller.pause()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Trace only the tests that the package's coverage is a matter of."""
    folders = item.path.relative_to(_TESTS).parts[:-1]
    if folders[0] not in {"handlers", "unit"} or not set(folders).isdisjoint(_NEVER_DEPLOYED):
        item.add_marker(pytest.mark.no_cover)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those that stay together, the largest folder first."""
    sizes = Counter(item.path.parent for item in items)
    items.sort(key=lambda item: -sizes[item.path.parent] if _folder(item) in _TOGETHER else 0)


def pytest_collection_finish() -> None:
    """Let no collection of garbage look through all that was imported again."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many seeds of the fault simulation held."""
    passed = terminalreporter.getreports("passed")
    held = sum(dict(report.user_properties).get("seeds", 0) for report in passed)
    if held:
        terminalreporter.write_line(f"{held:,} seeds held")


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(_TESTS).parts[0]


@pytest.fixture(scope="session", autouse=True)
def _models_read_once() -> Iterator[None]:
    """Let all sessions of botocore share what they parse of its models: most of what they take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(create_loader))
        yield


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
