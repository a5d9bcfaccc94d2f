"""Deployed stacks that are broken on purpose."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from click.testing import CliRunner, Result

from edgesweep.cli.commands import main
from tests.e2e.conftest import Stack, await_true
from tests.e2e.shell import run

Findings = Sequence[Mapping[str, str]]

STAGES = {"site": "test", "attached": "prod"}


@dataclass(frozen=True, slots=True)
class Patient:
    """A deployed stack that is broken on purpose."""

    stage: str
    stack: Stack
    credentials: Mapping[str, str] = field(default_factory=dict)

    def as_somebody(self, credentials: Mapping[str, str]) -> "Patient":
        """Return the same stack, examined with other credentials."""
        given = {
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": credentials.get("SessionToken", ""),
        }
        return replace(self, credentials={name: text for name, text in given.items() if text})

    def examine(self, *options: str, **more: str) -> Result:
        """Run the doctor, with more environment variables."""
        environment = {**self.stack.aws.environment, **self.credentials, **more}
        return CliRunner().invoke(
            main, ["doctor", "--stage", self.stage, *options], env=environment
        )

    def findings(self) -> Findings:
        """Return what the doctor finds, and check that the exit code shows it."""
        result = self.examine("--json")
        assert result.exit_code in {0, 1}, (result.stderr, result.exception)
        findings: Findings = json.loads(result.stdout)
        assert result.exit_code == any(one["mend"] or one["harm"] != "note" for one in findings)
        return findings

    def rest(self) -> None:
        """Return once the queue is empty: no message meets the next fault."""
        await_true(lambda: not self.stack.watch.messages())

    def run(self, command: str) -> None:
        """Run a command as a shell does."""
        run(self.stack.aws, command)

    def client(self, service: str) -> Any:  # noqa: ANN401  # a boto3 client
        """Return a client with the permissions of the account's root user."""
        return self.stack.aws.client(service)

    def output(self, name: str) -> str:
        """Return an output of the stack."""
        return self.stack.outputs[name]

    def resource(self, name: str) -> str:
        """Return the physical id of a resource."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=f"edgesweep-{self.stage}", LogicalResourceId=name
        )
        identity: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return identity
