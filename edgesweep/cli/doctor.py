"""`edgesweep doctor`: the faults of a stack, and the commands that mend them."""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain, starmap

import click

from edgesweep.cli.deployed import Deployed, stack_command
from edgesweep.cli.output import show
from edgesweep.cli.terminal import check_terminal, machine, say, suggest
from edgesweep.operate.doctor import Finding, Harm, Place, mends
from edgesweep.operate.doctor.gather import examine


@stack_command(list[Finding])
@click.option("--fix", is_flag=True, help="Offer to run each command, then look again.")
@click.option("--yes", is_flag=True, help="Run the commands of --fix without asking.")
def doctor(deployed: Deployed, *, fix: bool, yes: bool) -> None:
    """List the faults of a stack with the command that mends each, the worst first.

    It compares every resource with the stack's template, and checks credentials, concurrency,
    notifications of the buckets, the distributions, and who else spends the free paths. It exits
    with 1 if a finding is more than a note or has a command. It only reads, unless --fix is given;
    then commands run in this folder, with these credentials. Complete commands with NAME yourself.

    \b
    edgesweep doctor
    edgesweep doctor --stage test --json
    edgesweep doctor --fix
    """
    if yes and not fix:
        raise click.UsageError("--yes belongs to --fix")
    if fix and not yes:
        check_terminal()
    findings = _examine(deployed)
    if fix and _mend(findings, yes=yes):
        say("Looking again")
        findings = _examine(deployed)
    show(findings, chain.from_iterable(starmap(_described, mends(findings).items())))
    suggest("" if findings else f"Nothing is wrong with {deployed.name}")
    sys.exit(1 if any(one.mend or one.harm is not Harm.NOTE for one in findings) else 0)


def _examine(deployed: Deployed) -> Sequence[Finding]:
    place = Place(deployed.name, deployed.session.region_name, deployed.profile)
    return examine(deployed.session, place, datetime.now(UTC))


def _described(mend: str, shared: Sequence[Finding]) -> Sequence[str]:
    """Return the lines of findings and of the command that mends all of them."""
    lines = [f"{finding.check} ({finding.harm}): {finding.text}" for finding in shared]
    return [*lines, f"  {mend}"] if mend else lines


def _mend(findings: Sequence[Finding], *, yes: bool) -> bool:
    """Run the commands that the user wants; return whether any was run."""
    ran = False
    # To people it speaks by itself, on standard error: standard output is for the report.
    out = {"capture_output": True, "errors": "replace"} if machine() else {"stdout": 2}
    run = partial(subprocess.run, shell=True, check=False, **out)  # noqa: S604  # asked for
    for mend, shared in mends(findings).items():
        if mend and not any(finding.manual for finding in shared):
            say(*_described(mend, shared))
            if yes or click.confirm("Run it?", err=True):
                ran = True
                done = run(mend, env={**os.environ, "AWS_PAGER": ""})
                say(*f"{done.stdout or ''}{done.stderr or ''}".splitlines())
                if done.returncode:
                    say(f"The command failed with exit code {done.returncode}")
    return ran
