"""Run every client's table, and write it into the documentation: `python -m tests.clients`."""

import sys
from collections.abc import Mapping

from infra.local.aws import ROOT, embedded_aws
from tests.clients.clients import CLIENTS
from tests.clients.table import STEPS, Result, table

PAGE = ROOT / "docs" / "clients.md"
_HEAD = """# What the habits of upload tools cost

Each tool syncs a site of 14 files with a bucket, step by step, against the embedded AWS: it uploads
them first, then does the same again, then after every file got another time, three edits, a rename,
two removals, and one upload with another `Cache-Control`. A cell has the events that S3 published,
then the paths that Edgesweep invalidates: one for each object of which viewers get something else.
An upload that changed nothing costs a HEAD. `make clients` runs the tools and writes this page.

"""
_TAIL = """
In none of these steps was a change missed, and none cost a path without a change. `s3cmd put`
removes nothing, so after its rename and its removals the old objects are still there.
"""


def _cells(results: Mapping[str, Result]) -> list[str]:
    return [f"{one.events} → {len(one.paths)}" for one in results.values()]


def main() -> int:
    """Print the table and write the page; return 1 if anything was missed or needless."""
    lines = [["tool", *STEPS, "costs least"], ["---"] * (len(STEPS) + 2)]
    wrong = []
    with embedded_aws(enforce_iam=False, name="clients") as aws:
        for name, client in CLIENTS.items():
            results = table(aws, name)
            lines.append([f"`{name}`", *_cells(results), client.advice])
            print(" | ".join(lines[-1]), flush=True)  # noqa: T201  # the table
            wrong += [
                f"{name}, {step}: missed {sorted(one.missed)}, needless {sorted(one.needless)}"
                for step, one in results.items()
                if one.missed or one.needless
            ]
    for one in wrong:
        print(one, file=sys.stderr)  # noqa: T201  # what is wrong
    if not wrong:
        PAGE.write_text(_HEAD + "".join(f"| {' | '.join(line)} |\n" for line in lines) + _TAIL)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
