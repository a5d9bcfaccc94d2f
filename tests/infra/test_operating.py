"""The operator's guide says what is deployed, and what it costs."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from infra.local.aws import ROOT
from notebooks.cost.bill import Bill, bill
from notebooks.cost.prices import Item
from notebooks.cost.workload import MILLION, Workload, used
from tests.infra.conftest import Package

GUIDE = (ROOT / "docs" / "operating.md").read_text()
ROLES = {"record": "RecordRole", "flush": "FlushRole", "wake": "WakeRole"}


def table(heading: str) -> Sequence[Sequence[str]]:
    """Return the rows of the guide's table with a heading, cell by cell."""
    (found,) = re.findall(rf"^\|[ |]*{heading} \|.*\n\| ---.*\n((?:\|.*\n)+)", GUIDE, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found.splitlines()]


def services(month: Bill) -> Mapping[str, Decimal]:
    """Return what each service charges, were nothing free."""
    sums: Counter[str] = Counter()
    for line in month.lines:
        if line.item is not Item.PATHS:
            sums[line.item.service.removesuffix(" Scheduler")] += line.gross  # type: ignore[assignment]
    return {name: Decimal(amount) for name, amount in sums.items()}


def test_costs() -> None:
    """The guide's table is the bill of an idle month, and what a million changes add to it."""
    idle = bill(used(Workload()))
    busy = bill(used(MILLION))
    rows = {name: (idle_of, busy_of) for name, idle_of, busy_of in table("idle")}

    before, after = services(idle), services(busy)
    expected = {
        name: (before.get(name, Decimal(0)), after[name] - before.get(name, Decimal(0)))
        for name in sorted(after)
    }
    expected["beyond the free tier"] = (idle.gross, busy.gross - idle.gross)
    expected["within the free tier"] = (idle.dollars, busy.dollars - idle.dollars)
    assert rows == {name: tuple(f"{usd:.2f}" for usd in both) for name, both in expected.items()}
    assert f"A dashboard costs ${Item.DASHBOARDS.usd} more" in GUIDE


def test_alarms(packages: Mapping[str, Package]) -> None:
    """Every alarm that is deployed is in the guide, and no other."""
    deployed = {
        name
        for package in packages.values()
        for name, _ in package.resources("AWS::CloudWatch::Alarm")
    }

    assert sorted(row[0].strip("`") for row in table("alarm")) == sorted(deployed)


def test_permissions(site: Package, contrary: Package) -> None:
    """Every permission of either function is in the guide, and no other."""
    documented = [(role, action.strip("`")) for role, action, *_ in table("role")]
    granted = {(role, action) for package in (site, contrary) for role, action in _granted(package)}

    assert sorted(documented) == sorted(granted)


@pytest.mark.parametrize("topic", ["rows", "windows", "tags", "timer", "stream"])
def test_decisions(topic: str) -> None:
    """What was decided, and what was not chosen, stays on record."""
    records = [path.read_text() for path in (ROOT / "docs" / "decisions").glob(f"*{topic}*.md")]

    assert len(records) == 1
    assert all(f"\n## {part}\n" in records[0] for part in ("Question", "Choice", "Price"))


def _granted(package: Package) -> set[tuple[str, str]]:
    found = set()
    for role, name in ROLES.items():
        own = package.properties(name)["Policies"]
        given = [policy["Properties"] for _, policy in package.resources("AWS::IAM::Policy")]
        for policy in (*own, *(one for one in given if {"Ref": name} in one["Roles"])):
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in statement.get("Action", ()):
                    found.add((role, action))
    return found
