"""Every figure of the documents is computed from the one source that has it."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path

import pytest

from bench.months import simulate
from edgesweep.aws.dynamodb.items import RETENTION
from edgesweep.flush.budget import Budget
from edgesweep.flush.metrics import Series
from edgesweep.flush.planning import MAX_ROWS
from edgesweep.flush.policy import MAX_IN_PROGRESS, TICKS_APART, Policy
from edgesweep.lab.generators import START
from edgesweep.operate.parameters import MOST_BYTES
from edgesweep.prices import FREE_PATHS, PATH_PRICE
from edgesweep.record.recorder import MOST_ROWS
from edgesweep.routes.probing import MOST_PROBED
from edgesweep.settings import PARAMETERS, Parameter
from notebooks.__main__ import read
from notebooks.cost import workload
from notebooks.cost.bill import bill
from notebooks.cost.prices import Item
from notebooks.cost.workload import MILLION, Workload, used

ROOT = Path(__file__).parents[2]
MINUTE = timedelta(minutes=1)
IDLE, BUSY = bill(used(Workload())), bill(used(MILLION))
LONGEST = ceil(Policy().guaranteed(START) / MINUTE)
BUCKETS, DISTRIBUTIONS = (PARAMETERS[name].most for name in ("bucket", "distribution"))
BUDGET = PARAMETERS["budgetUsd"].default
RETAINED = set(re.findall(r"RetentionPeriod: (\d+)", (ROOT / "infra/queue.yml").read_text()))
SERVERLESS = (ROOT / "serverless.yml").read_text()
RECORDERS = re.findall(r"maximumConcurrency: (\d+)", SERVERLESS)  # the others run once each
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def spoken(cell: str) -> str:
    """Return what a cell of the notebook says."""
    (output,) = next(one for one in read().cells if one.id == cell).outputs
    text: str = output.data.get("text/markdown", output.data["text/plain"])
    return " ".join(text.replace(r"<span>\$</span>", "$").split())


# The claims of each page, one a line; a claim may continue in an indented line.
SAID: Mapping[str, str] = {
    "README.md": f"""
costs ${PATH_PRICE * 1_000:.0f} for every 1,000 files
which is ${BUDGET} unless you raise it
{spoken("three-numbers")}
![{spoken("precision-figure")}](docs/precision.png)
At the default of ${BUDGET}, the ledger never passes {FREE_PATHS:,} paths in a month
within {LONGEST} minutes in the worst of months
A million changes in a month cost ${BUSY.dollars - IDLE.dollars:.2f} more within the free tier,
    and ${BUSY.gross - IDLE.gross:.2f} beyond it
about {used(Workload())[Item.TICKS] // 1_000},000 ticks a month
""",
    "docs/deploying.md": f"""
    at most {MOST_BYTES:,} bytes
a dashboard, ${Item.DASHBOARDS.usd:.0f} a month beyond an account's {COUNTS[Item.DASHBOARDS.free]}
""",
    "docs/budget.md": f"""
the paths that `budgetUsd` buys at ${PATH_PRICE} each
which is {FREE_PATHS:,}, or 0 on a plan without free paths
At $0 in a month of 31 days, one distribution then waits at most
    {ceil(Budget().interval(START) / MINUTE)} minutes
Add {COUNTS[TICKS_APART // MINUTE]} minutes for the ticks
of the {MAX_IN_PROGRESS.wildcards} that CloudFront works on at once
publishes {COUNTS[len(Series)]} series
| $5: dollars | half, worst |
""",
    "docs/distributions.md": f"""
    Each look asks up to {MOST_PROBED} functions
""",
    "docs/operating.md": f"""
    paths times distributions are at most {MOST_ROWS:,}.
share its {FREE_PATHS:,} free paths
{BUCKETS} and {DISTRIBUTIONS} in one stack
{MAX_ROWS:,} changes, fewer if their keys are long
{MAX_IN_PROGRESS.paths:,} paths and {MAX_IN_PROGRESS.wildcards} wildcards at work at once
{int(*RECORDERS) + SERVERLESS.count("    handler: ") - 1} functions at once
sent in {MILLION.flushes:,} flushes
A dashboard costs ${Item.DASHBOARDS.usd} more, beyond an account's
    {COUNTS[Item.DASHBOARDS.free]} free ones
adds an alarm to the {COUNTS[workload.ALARMS]} free ones, for ${Item.ALARMS.usd}
costs ${Item.EVENTS.usd * 10**6:.0f} for each million
flushes are kept for {workload.JOURNAL_DAYS} days, messages for
    {timedelta(seconds=int(*RETAINED)).days} and logs for {workload.LOG_DAYS}
""",
}


def claims(page: str) -> Sequence[str]:
    """Return the claims of a page."""
    return SAID[page].replace("\n    ", " ").strip().splitlines()


def prose(page: str) -> str:
    """Return a page on one line, without the blocks of commands, which other tests run."""
    text = (ROOT / page).read_text()
    return " ".join(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL).split())


@pytest.mark.parametrize("page", SAID)
def test_said(page: str) -> None:
    """Each page says what the code computes."""
    assert [claim for claim in claims(page) if claim not in prose(page)] == []


@pytest.mark.parametrize("page", SAID)
def test_typed(page: str) -> None:
    """No dollars appear outside the claims that are held to the code."""
    rest = prose(page)
    for claim in claims(page):
        rest = rest.replace(claim, "")

    assert re.findall(r".{20}\$(?:[1-9]|0\.).*?\s", rest) == []


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS.items())
def test_parameter(name: str, parameter: Parameter) -> None:
    """The guide has each parameter with its default and its meaning."""
    default = f"`{parameter.default}`" if parameter.default else "empty"

    assert f"| `{name}` | {default} | {parameter.meaning} |" in prose("docs/deploying.md")


def test_kept() -> None:
    """What is kept is billed for as long as it is kept."""
    (logs,) = re.findall(r"logRetentionInDays: (\d+)", SERVERLESS)

    assert (RETENTION.days, int(logs)) == (workload.JOURNAL_DAYS, workload.LOG_DAYS)


def test_busy_month() -> None:
    """A busy month is as it is simulated at $0; `make bench` prints the others, which take long."""
    month = simulate("edits every 2 minutes", 1, Decimal(0))
    half, worst = (month.quantile(part) / MINUTE for part in (0.5, 1))

    said = f"| edits every two minutes, day and night | {month.paths:,} | {half:.1f}, {worst:.1f} |"
    assert said in prose("docs/budget.md")
