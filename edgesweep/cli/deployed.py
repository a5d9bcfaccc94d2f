"""The options that name a deployed stack, and the lookup of that stack."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Concatenate

import boto3
import click

from edgesweep import wiring
from edgesweep.aws.dynamodb import FlushTable, RoutesTable
from edgesweep.cli.output import json_option
from edgesweep.cli.terminal import aws_options
from edgesweep.errors import BadInput
from edgesweep.operate.stack import SERVICE, Stack, find_stack
from edgesweep.routes import Routes
from edgesweep.routes.kept import Kept
from edgesweep.settings import Settings

_DEFAULT_REGION = "us-east-1"  # of `npx osls deploy`


@dataclass(frozen=True)
class Deployed:
    """A stack by its name, and the session and AWS profile of the options; it may not exist."""

    name: str
    session: boto3.Session
    profile: str | None

    @cached_property
    def stack(self) -> Stack:
        """The stack, or else `NoStack` is raised."""
        return find_stack(self.session, self.name)

    @cached_property
    def settings(self) -> Settings:
        """The settings of the deployment; this version has to be able to read them."""
        return Settings.from_mapping(self.stack.environment)

    @cached_property
    def journal(self) -> FlushTable:
        return FlushTable(self.settings.flushes_table, self.session)

    @cached_property
    def kept(self) -> Kept | None:
        return RoutesTable(self.settings.flushes_table, self.session).load()

    @cached_property
    def routes(self) -> Routes:
        return wiring.routes_of(self.settings, self.kept)

    def distributions(self, only: str | None, bucket: str | None = None) -> Sequence[str]:
        """Return the ids of all distributions, or of a bucket's, or only the id that is named."""
        known = self.routes.serving(bucket) if bucket else self.routes.leading
        if not known:
            raise BadInput(f"{bucket or self.name} has no known distribution")
        if only and only not in known:
            raise BadInput(f"{only} is not one of {', '.join(known)}")
        return [only] if only else known


AboutStack = Callable[Concatenate[Deployed, ...], None]


def session(region: str | None, profile: str | None) -> boto3.Session:
    """Return a session for the options of `aws_options`."""
    return boto3.Session(profile_name=profile, region_name=region)


def stack_command(kind: object = None) -> Callable[[AboutStack], click.Command]:
    """Return a decorator for commands about a stack, which print a `kind`, if given, as JSON."""

    def decorate(function: AboutStack) -> click.Command:
        own = click.command()(function).params  # the help lists them first

        @click.option(
            "--stack", help="Name of the stack (default: edgesweep-STAGE).", metavar="NAME"
        )
        @click.option("--stage", help="Stage of the stack.", metavar="NAME", default="prod")
        @aws_options
        @wraps(function)
        def with_stack(
            *, stack: str | None, stage: str, region: str | None, profile: str | None, **its: object
        ) -> None:
            where = session(region, profile).region_name or _DEFAULT_REGION
            chosen = session(where, profile)
            function(Deployed(stack or f"{SERVICE}-{stage}", chosen, profile), **its)

        return click.command(params=own)(json_option(kind)(with_stack) if kind else with_stack)

    return decorate
