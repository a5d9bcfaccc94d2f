"""Run every client's table, and write it into the documentation: `python -m tests.clients`."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from infra.local.aws import ROOT, embedded_aws
from tests.clients.clients import CLIENTS, Client
from tests.clients.deployed import Deployed
from tests.clients.table import FILES, STEPS, Result, bucket_of, steps
from tests.e2e.conftest import SPEED

PAGE = ROOT / "docs" / "clients.md"
_HEAD = f"""# What the habits of upload tools cost

Each tool syncs a site of {FILES} files with a bucket of its own, step by step, against the embedded
AWS. It uploads them, syncs again, and syncs after every file got another time. Then come three
edits, a rename, two removals, an upload with another `Cache-Control`, and a file of 9 MiB that is
uploaded in other parts than before. A deployed stack sweeps the buckets, with a budget of $0. Its
`missUsd` of $1 keeps wildcards off unchanged objects, on any day of a month. Each cell shows how
many events S3 published, and how many invalidation paths Edgesweep sent for them. You pay for the
paths. A first sync takes one path, `/*`, since nothing else is there. An upload that changed
nothing costs a HEAD. `make clients` runs the tools and writes this page.

"""
_TAIL = """
Edgesweep missed no change in any of these steps. `s3cmd put` removes nothing, so after its rename
and its removals the old objects are still there. `minio fput_object` is MinIO's SDK for Python.
s3fs and rsync come from Debian.
"""

Results = Mapping[str, Mapping[str, Result]]


def _available() -> Iterator[str]:
    """Yield the clients that can run here, and say why others cannot."""
    for name, client in CLIENTS.items():
        if missing := client.missing():
            print(f"Left out {name}: {', '.join(missing)} is missing here", file=sys.stderr)  # noqa: T201  # why
        else:
            yield name


def _driven(deployed: Deployed, names: Sequence[str]) -> Results:
    """Return what came of every step for each client, and print a line at the end of each step."""
    results = {}
    for step, found in steps(deployed, names):
        results[step] = found
        events = sum(one.events for one in found.values())
        paths = sum(len(one.paths) for one in found.values())
        print(f"{step}: {events} events, {paths} paths", flush=True)  # noqa: T201  # progress
    return results


def _table(results: Results, names: Iterable[str]) -> Iterator[str]:
    lines = [["tool", *STEPS, "costs least"], ["---"] * (len(STEPS) + 2)]
    for name in names:
        found = [by_name[name] for by_name in results.values()]
        cells = [f"{one.events} → {len(one.paths)}" for one in found]
        lines.append([f"`{name}`", *cells, CLIENTS[name].advice])
    return (f"| {' | '.join(line)} |\n" for line in lines)


def _paid(clients: Mapping[str, Client]) -> Iterator[str]:
    """Say which clients pay for objects that did not change, and why."""
    yield "\nThese tools cost paths for objects that did not change:\n\n"
    reasons: dict[tuple[str, str], list[str]] = {}
    for name, client in clients.items():
        for reason in dict.fromkeys(client.pays.values()):
            steps = ", ".join(step for step, why in client.pays.items() if why == reason)
            reasons.setdefault((reason, steps), []).append(f"`{name}`")
    for (reason, steps), names in reasons.items():
        yield f"- {', '.join(names)}, in *{steps}*. {reason}.\n"


def _wrong(results: Results) -> Iterable[str]:
    """Yield what a step missed, or hit, or did not hit, otherwise than expected."""
    for step, found in results.items():
        for name, one in found.items():
            if one.missed or bool(one.needless) != (step in CLIENTS[name].pays):
                yield (
                    f"{name}, {step}: missed {sorted(one.missed)}, needless "
                    f"{sorted(one.needless)}, by {', '.join(one.paths)}"
                )


def main() -> int:
    """Print the table and write the page; return 1 if anything was missed or needless."""
    names = list(_available())
    with embedded_aws(speed=SPEED, name="clients") as aws:
        results = _driven(Deployed(aws, map(bucket_of, names)), names)
    lines, wrong = list(_table(results, names)), list(_wrong(results))
    print("".join(lines))  # noqa: T201  # the table
    for one in wrong:
        print(one, file=sys.stderr)  # noqa: T201  # what is wrong
    if not wrong and len(names) == len(CLIENTS):
        PAGE.write_text(_HEAD + "".join(lines) + _TAIL + "".join(_paid(CLIENTS)))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
