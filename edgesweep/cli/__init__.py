"""The `edgesweep` command: parse, call, print.

Data goes to standard output, messages and progress to standard error. A mistake gets one line and
exit code 2, a failure one line and exit code 1.
"""

import click

from edgesweep.cli.attach import attach, detach
from edgesweep.cli.completion import completion
from edgesweep.cli.doctor import doctor
from edgesweep.cli.flush import flush
from edgesweep.cli.flushes import flushes
from edgesweep.cli.learn import learn
from edgesweep.cli.plan import plan
from edgesweep.cli.redrive import redrive
from edgesweep.cli.replay import replay
from edgesweep.cli.status import status
from edgesweep.cli.terminal import OneLineErrors


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="edgesweep")
def main() -> None:
    """Keep a CloudFront edge fresh when S3 objects change."""


for command in (
    plan, replay,
    attach, detach, learn,
    status, flushes, flush, redrive, doctor,
    completion,
):  # fmt: skip
    main.add_command(command)
