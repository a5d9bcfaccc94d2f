"""Facts about a stack: its configuration, what AWS reported, and what could not be read."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgesweep.operate.doctor.template import Resource
from edgesweep.routes import Distribution
from edgesweep.settings import Settings

# A resource as boto3 describes it.
Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and its remedy, each in one line.

    Attributes:
        check: one word for the subject of the check.
        text: the fault and its consequence.
        mend: the command that mends it.
    """

    check: str
    text: str
    mend: str


@dataclass(frozen=True, slots=True)
class Place:
    """How commands reach the stack.

    Attributes:
        stack: its name.
        region: its region.
        profile: the chosen AWS profile, if any.
        parameters: its deploy parameters that differ from the default.
    """

    stack: str
    region: str
    profile: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    def aws(self, *words: str) -> str:
        """Return a command of the AWS command line."""
        return shlex.join(["aws", *words, *self._chosen()])

    def edgesweep(self, *words: str) -> str:
        """Return an `edgesweep` command."""
        return shlex.join(["edgesweep", *words, *self._chosen()])

    def deploy(self, *words: str, **changed: str) -> str:
        """Return a deployment with some parameters changed, which repeats the others."""
        given = {**self.parameters, **changed}
        parameters = [f"--param={name}={text}" for name, text in given.items()]
        stage = ["--stage", self.stack.partition("-")[2], "--region", self.region]
        profile = ["--aws-profile", self.profile] if self.profile else []
        return shlex.join(["npx", "osls", "deploy", *words, *parameters, *stage, *profile])

    def configure(self, function: str) -> str:
        """Return a deployment of one function and its settings."""
        return self.deploy("function", "--function", function, "--update-config")

    def revert(self) -> str:
        """Return the command that reverts every resource to the template.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
        """
        named = ("--stack-name", self.stack, "--change-set-name", "mend")
        mode = ("--use-previous-template", "--deployment-mode", "REVERT_DRIFT")
        steps = (
            ("create-change-set", *named, *mode, "--capabilities", "CAPABILITY_IAM"),
            ("wait", "change-set-create-complete", *named),
            ("execute-change-set", *named),
        )
        return " && ".join(self.aws("cloudformation", *step) for step in steps)

    def _chosen(self) -> Sequence[str]:
        return ["--region", self.region, *(["--profile", self.profile] if self.profile else [])]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was read. Facts that could not be read are empty, and named in `unseen`.

    Attributes:
        place: how commands reach the stack.
        configured: its deployed settings.
        status: its CloudFormation status.
        resources: each resource of the template, and its description: None if it is gone.
        regions: bucket -> its region.
        notifications: bucket -> its notification configuration.
        distributions: those that lead to a swept bucket, and the configured ones that exist.
        foreign: distribution -> paths of this month's invalidations by other tools.
        unreserved: concurrent executions that functions without a reserve share.
        unseen: fact that could not be read -> why.
    """

    place: Place
    configured: Settings
    status: str = ""
    resources: Sequence[tuple[Resource, Found | None]] = ()
    regions: Mapping[str, str] = field(default_factory=dict)
    notifications: Mapping[str, Found] = field(default_factory=dict)
    distributions: Sequence[Distribution] = ()
    foreign: Mapping[str, int] = field(default_factory=dict)
    unreserved: int | None = None
    unseen: Mapping[str, str] = field(default_factory=dict)

    def there(self, kind: str) -> Iterator[tuple[Resource, Found]]:
        """Yield the resources of a type that exist."""
        for wanted, found in self.resources:
            if wanted.kind == kind and found is not None:
                yield wanted, found
