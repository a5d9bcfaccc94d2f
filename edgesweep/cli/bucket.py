"""The argument BUCKET: a name that a bucket can have."""

import click


def bucket_name(_: click.Context, param: click.Parameter, name: str | None) -> str | None:
    """Return a name that a bucket can have, as the callback of a parameter does."""
    if name is None:
        return None
    from edgesweep.settings import PARAMETERS  # noqa: PLC0415  # takes long

    if not PARAMETERS["bucket"].fits(name):
        raise click.BadParameter(f"{name!r} is not {PARAMETERS['bucket'].bound}", param=param)
    return name
