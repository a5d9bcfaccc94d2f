"""The demo: a site is uploaded, then edited, and each time one invalidation follows.

It deploys this project's serverless.yml into an embedded AWS, changes objects in the site's bucket
and leaves everything else to the deployed functions. At the end it checks by itself that every
change was matched by a path of an invalidation created after it.
"""

import json
import random
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
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
from infra.local.site import generate
from infra.local.watch import Invalidation, Watch

_SEED = 20261123
_SPEED = 6
_UPLOADS_AT_ONCE = 8
_PATIENCE_SECONDS = 900
_PATHS_SHOWN = 10
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "webp": "image/webp"}


def main() -> None:
    """Run the demo; exit with 1 when a change was missed."""
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
            watch = Watch(aws, outputs)
            site = generate(_SEED)
            self._show(watch, f"1. Upload a site of {len(site):,} files", self._upload(watch, site))
            edits, removal = _edits(site)
            title = f"2. Edit {len(edits)} posts, delete one"
            self._show(watch, title, self._upload(watch, edits) | _delete(watch, removal))
        count = len(site) + len(edits) + 1
        say(f"[green]Checked: a later invalidation matches each of the {count:,} changes.[/]")
        say("Everything is stopped, nothing is left.")

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

    def _show(self, watch: Watch, title: str, changes: Mapping[str, datetime]) -> None:
        """Wait for the sweep of these changes and show it."""
        first, last = min(changes.values()), max(changes.values())
        with self.console.status("Waiting for the schedule to fire"):
            watch.await_sweep(changes, _PATIENCE_SECONDS)
        sent = [made for made in watch.invalidations() if made.created_at >= first]
        self.console.print(_summary(title, _objects(changes), last, sent))
        self.console.print(_trail(watch.aws, first, sent), end="\n\n")


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


def _summary(title: str, objects: int, last: datetime, sent: Sequence[Invalidation]) -> Table:
    paths = [path for made in sent for path in made.paths]
    shown = paths[:_PATHS_SHOWN] + ["..."] * (len(paths) > _PATHS_SHOWN)
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False)
    table.add_row("Objects changed", f"{objects:,}")
    table.add_row("Invalidation", ", ".join(made.identity for made in sent))
    table.add_row("Paths", "\n".join(shown))
    table.add_row("Price", f"{_price(len(paths))} ({FREE_PATHS:,} a month are free)")
    table.add_row("One path per object", f"{_price(objects)}")
    seconds = (sent[-1].created_at - last).total_seconds()
    table.add_row("Last change to invalidation", f"{seconds:.1f} s")
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
        *((_moment(line), _decision(line)) for line in _lines(aws, "flush", first)),
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
