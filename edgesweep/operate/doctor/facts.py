"""What a doctor knows: how a stack is configured, what was found, and what could not be seen."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgesweep.operate.doctor.template import Resource
from edgesweep.routes import Distribution
from edgesweep.settings import Settings

# What boto3 returns of a resource.
Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        check: one word for what was looked at.
        text: what is wrong and what follows from it, in one line.
        mend: the command that mends it, in one line.
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
        profile: the AWS profile that was chosen, if any was.
        parameters: what it was deployed with, where that is not the default.
    """

    stack: str
    region: str
    profile: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    def aws(self, *words: str) -> str:
        """Return a command of the AWS command line."""
        return shlex.join(["aws", *words, *self._chosen()])

    def edgesweep(self, *words: str) -> str:
        """Return a command of ours."""
        return shlex.join(["edgesweep", *words, *self._chosen()])

    def deploy(self, *words: str, **changed: str) -> str:
        """Return a deployment with some parameters changed: the others are given again."""
        given = {**self.parameters, **changed}
        parameters = [f"--param={name}={text}" for name, text in given.items()]
        stage = ["--stage", self.stack.partition("-")[2], "--region", self.region]
        profile = ["--aws-profile", self.profile] if self.profile else []
        return shlex.join(["npx", "osls", "deploy", *words, *parameters, *stage, *profile])

    def configure(self, function: str) -> str:
        """Return a deployment of one function and its settings, whatever became of them."""
        return self.deploy("function", "--function", function, "--update-config")

    def revert(self) -> str:
        """Return what lets CloudFormation make of every resource what the template says.

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
    """Everything that was looked at. What could not be seen is empty, and named in `unseen`.

    Attributes:
        place: how commands reach the stack.
        configured: the settings that it was deployed with.
        status: what CloudFormation says of it.
        resources: what the template wants, and what there is: None for what is gone.
        regions: bucket -> its region.
        notifications: bucket -> its notification configuration.
        distributions: those that lead to a swept bucket, and those that were named and exist.
        foreign: distribution -> paths of this month's invalidations that are not ours.
        unreserved: how many executions at once the account's functions without a reserve share.
        unseen: what could not be looked at -> why.
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
        """Yield the resources of a type that are there."""
        for wanted, found in self.resources:
            if wanted.kind == kind and found is not None:
                yield wanted, found
