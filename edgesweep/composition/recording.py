"""The composition root of the recorder."""

import secrets

import boto3

from edgesweep.catalogue import Sieve, Unsifted
from edgesweep.composition import now
from edgesweep.heads import CONFIG, PATIENCE, S3Heads
from edgesweep.recorder import Recorder
from edgesweep.routes import Routes, everywhere
from edgesweep.settings import Settings
from edgesweep.tables import CatalogueTable, DirtyTable, FlushTable, RoutesTable


def recorder(settings: Settings, session: boto3.Session) -> Recorder:
    """Wire a recorder, which knows of no routes yet."""
    if settings.shards > 1:
        # Readers have to know of every shard before a row is in it.
        FlushTable(settings.flushes_table).shards(settings.shards)
    return Recorder(
        routes=Routes(),
        writer=DirtyTable(settings.dirty_table),
        token=token,
        selection=settings.selection,
        shards=settings.shards,
        sieve=sieve(settings, session) if settings.catalogue_table else Unsifted(),
    )


def sieve(settings: Settings, session: boto3.Session, patience: float | None = PATIENCE) -> Sieve:
    """Wire what tells uploads that change nothing.

    Args:
        settings: they name a catalogue.
        session: of the buckets' region.
        patience: as `S3Heads` takes it.
    """
    heads = S3Heads(session.client("s3", config=CONFIG), patience)
    return Sieve(CatalogueTable(settings.catalogue_table), heads, token, now)


def routes(settings: Settings, atlas: RoutesTable) -> Routes:
    """Return what the flusher has found out, or was told, of distributions."""
    known = atlas.load()
    if known is None:
        return everywhere(settings.distributions, settings.buckets)
    return Routes(known, settings.variants)


def token() -> str:
    """Return random text.

    Rows of one batch differ by their tokens alone: 64 bits make a collision, and with it a lost
    row, too rare to happen.
    """
    return secrets.token_hex(8)
