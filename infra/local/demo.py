"""The demo: a site is uploaded, then edited, and readers get the new bytes.

It deploys this project's serverless.yml into an embedded AWS, changes objects in the site's bucket
and leaves everything else to the deployed functions. Readers ask an edge that caches. The demo ends
with 1 if no later invalidation matches a change, or if a reader gets old bytes after a sweep.
"""

import json
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from edgesweep.errors import EdgesweepError
from edgesweep.prices import FREE_PATHS, PATH_PRICE
from infra.local.aws import ROOT, EmbeddedAws, embedded_aws
from infra.local.edge.server import Served, serving
from infra.local.readers import Reader, Visits, await_taken, visit
from infra.local.site import generate
from infra.local.watch import Invalidation, Watch

_SEED = 20261123
_SPEED = 6
_UPLOADS_AT_ONCE = 8
_PATIENCE_SECONDS = 900
_PATHS_SHOWN = 10
_REQUESTS = 2_000
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "webp": "image/webp"}


def main() -> None:
    """Run the demo; exit with 1 when a change was missed, or a reader got old bytes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(highlight=False)
    try:
        _Demo(console).run()
    except EdgesweepError as error:
        Console(stderr=True, highlight=False).print(str(error), markup=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        console.print("\nStopped, nothing is left running")
        sys.exit(130)


@dataclass(frozen=True, slots=True)
class _Demo:
    console: Console

    def run(self) -> None:
        """Deploy, upload, edit, and stop everything again."""
        say = self.console.print
        say("[bold]Edgesweep demo[/]: a real deployment, into an AWS embedded in this machine.\n")
        with embedded_aws(speed=_SPEED, name="demo") as aws:
            log = aws.log.relative_to(ROOT)
            say(f"It listens on {aws.endpoint}, enforces IAM and writes {log}.")
            with self.console.status("Deploying with osls"):
                began = time.monotonic()
                outputs = aws.deploy("demo", demo="true")
            say(f"osls deployed serverless.yml, stage demo, in {time.monotonic() - began:.0f} s.")
            say(f"[yellow]The schedule of one minute is sped up: {60 / _SPEED:.0f} s here.[/]\n")
            clients = {name: aws.client(name) for name in ("s3", "cloudfront")}
            with serving(clients, outputs["Distribution"], listable=False) as edge:
                count = self._sweeps(Watch(aws, outputs), edge)
        say(f"[green]Checked: a later invalidation matches each of the {count:,} changes,[/]")
        say("[green]and no reader got old bytes after a sweep.[/]")
        say("Everything is stopped, nothing is left.")

    def _sweeps(self, watch: Watch, edge: Served) -> int:
        """Upload, edit and delete; return how many objects changed."""
        site = generate(_SEED)
        edits, removal = _edits(site)
        sweep = _Sweep(f"1. Upload a site of {len(site):,} files", f"/{removal}", site)
        self._sweep(watch, edge, sweep, lambda: self._upload(watch, site))
        sweep = _Sweep(
            f"2. Edit {len(edits)} posts, delete one",
            f"/{next(iter(edits))}",
            {**site, **edits, removal: None},
        )
        self._sweep(
            watch, edge, sweep, lambda: self._upload(watch, edits) | _delete(watch, removal)
        )
        return len(site) + len(edits) + 1

    def _sweep(
        self,
        watch: Watch,
        edge: Served,
        sweep: "_Sweep",
        change: Callable[[], Mapping[str, datetime]],
    ) -> None:
        """Change objects while somebody reads a page, let readers visit, and show it all."""
        reader = Reader(edge.url, sweep.page)
        with reader.reading():
            changes = change()
            with self.console.status("Waiting for the schedule to fire"):
                watch.await_sweep(changes, _PATIENCE_SECONDS)
                first = min(changes.values())
                sent = [made for made in watch.invalidations() if made.created_at >= first]
                await_taken(edge.taken, [one.identity for one in sent], _PATIENCE_SECONDS)
        with self.console.status(f"Letting readers make {_REQUESTS:,} requests"):
            visits = visit(edge.url, sweep.paths, _REQUESTS, _SEED)
        self.console.print(_summary(sweep, changes, sent, reader, visits))
        self.console.print(_trail(watch.aws, first, sent), end="\n\n")

    def _upload(self, watch: Watch, files: Mapping[str, bytes]) -> dict[str, datetime]:
        """Put objects; return when each viewer path changed, by the clock of S3."""
        s3, bucket = watch.aws.client("s3"), watch.outputs["SiteBucket"]

        def put(file: tuple[str, bytes]) -> None:
            key, body = file
            kind = _TYPES.get(key.rpartition(".")[2], "application/octet-stream")
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind)

        columns = (TextColumn("Uploading"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with (
            ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool,
            Progress(*columns, console=self.console) as bar,
        ):
            for _ in bar.track(pool.map(put, files.items()), total=len(files)):
                pass
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        listed = (item for page in pages for item in page["Contents"])
        return _viewer_paths({i["Key"]: i["LastModified"] for i in listed if i["Key"] in files})


@dataclass(frozen=True, slots=True)
class _Sweep:
    """A step of the demo: the page that a reader asks for, and the site as it shall become."""

    title: str
    page: str
    site: Mapping[str, bytes | None]

    @property
    def paths(self) -> Mapping[str, bytes | None]:
        """The bytes that readers must get; None for an error."""
        return {"/": self.site["index.html"], **{f"/{key}": self.site[key] for key in self.site}}


def _edits(site: Mapping[str, bytes]) -> tuple[Mapping[str, bytes], str]:
    posts = random.Random(_SEED).sample([key for key in site if key.startswith("posts/")], 4)
    return {key: site[key] + b"edited\n" for key in posts[:3]}, posts[3]


def _delete(watch: Watch, key: str) -> dict[str, datetime]:
    watch.aws.client("s3").delete_object(Bucket=watch.outputs["SiteBucket"], Key=key)
    return _viewer_paths({key: datetime.now(UTC)})


def _viewer_paths(keys: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return the paths under which viewers ask for objects; the root object has two."""
    paths = {f"/{key}": changed_at for key, changed_at in keys.items()}
    return paths | {"/": paths["/index.html"]} if "/index.html" in paths else paths


def _objects(changes: Mapping[str, datetime]) -> int:
    return len(changes) - ("/" in changes)


def _summary(
    sweep: _Sweep,
    changes: Mapping[str, datetime],
    sent: Sequence[Invalidation],
    reader: Reader,
    visits: Visits,
) -> Table:
    paths, objects = [path for made in sent for path in made.paths], _objects(changes)
    shown = paths[:_PATHS_SHOWN] + ["..."] * (len(paths) > _PATHS_SHOWN)
    table = Table(title=sweep.title, title_justify="left", title_style="bold", show_header=False)
    table.add_row("Objects changed", f"{objects:,}")
    table.add_row("Invalidation", ", ".join(made.identity for made in sent))
    table.add_row("Paths", "\n".join(shown))
    table.add_row("Price", f"{_price(len(paths))} ({FREE_PATHS:,} a month are free)")
    table.add_row("One path per object", f"{_price(objects)}")
    seconds = (sent[-1].created_at - max(changes.values())).total_seconds()
    table.add_row("Last change to invalidation", f"{seconds:.1f} s")
    table.add_row("The reader before", str(reader.seen[0]))
    table.add_row("The reader after", str(reader.seen[-1]))
    seconds = (reader.seen[-1].at - changes[reader.path]).total_seconds()
    table.add_row("Upload to that answer", f"{seconds:.1f} s")
    if paths != ["/*"]:
        hits = f"{visits.hits:,}; after /* it would be {visits.after_everything:,}"
        table.add_row(f"Cache hits of {visits.requests:,}", hits)
    return table


def _price(paths: int) -> str:
    return f"${PATH_PRICE * paths:,.3f} for {_count(paths)}"


def _count(paths: int) -> str:
    return f"{paths:,} path{'s' * (paths != 1)}"


def _trail(aws: EmbeddedAws, first: datetime, sent: Sequence[Invalidation]) -> str:
    """Tell from the functions' own logs what happened since the first change."""
    recorded = [line for line in _lines(aws, "record", first) if line["message"] == "Recorded"]
    rows = sum(line["rows"] for line in recorded)
    steps = [
        (first, "S3: first change"),
        (_moment(recorded[-1]), f"record: {rows:,} rows, from {len(recorded)} batches of messages"),
        *(
            (_moment(line), _decision(line))
            for line in _lines(aws, "flush", first)
            if line["message"] in {"Flushed", "Held"}
        ),
        *((made.created_at, f"CloudFront: took {made.identity}") for made in sent),
    ]
    return "\n".join(_step(first, moment, what) for moment, what in sorted(steps))


def _step(first: datetime, moment: datetime, what: str) -> str:
    return f"  {(moment - first).total_seconds():+6.1f} s  {what}"


def _decision(line: Mapping[str, Any]) -> str:
    """Tell what a tick did with the rows that it found."""
    if line["message"] != "Flushed":
        return f"flush: {line['message'].lower()}, {line['reason']}"
    return f"flush: {line['rows']:,} rows swept, {_count(len(line['paths']))} sent"


def _lines(aws: EmbeddedAws, function: str, since: datetime) -> Sequence[Mapping[str, Any]]:
    pages = (
        aws.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=f"/aws/lambda/edgesweep-demo-{function}",
            startTime=int(since.timestamp() * 1000),
        )
    )
    return list(_structured(event["message"] for page in pages for event in page["events"]))


def _structured(messages: Iterable[str]) -> Iterable[Mapping[str, Any]]:
    """Yield the lines that a function logged; metrics are JSON as well, and say no message."""
    lines = (json.loads(message) for message in messages if message.startswith("{"))
    return (line for line in lines if "message" in line)


def _moment(line: Mapping[str, Any]) -> datetime:
    return datetime.strptime(line["timestamp"], "%Y-%m-%d %H:%M:%S,%f%z")


if __name__ == "__main__":
    main()
