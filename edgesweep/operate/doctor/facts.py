"""Facts about a stack: its configuration, what AWS reported, and what could not be read."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from edgesweep.flush.others import NOBODY, Looks, Others
from edgesweep.operate.doctor.template import Resource
from edgesweep.operate.stack import SERVICE
from edgesweep.routes import Distribution
from edgesweep.settings import Settings

Found = Mapping[str, Any]  # a resource as boto3 describes it

DOCTOR = "edgesweep doctor --stack {stack} {at}"

# Reverts every resource to the template. The name is new each time, since a change set that failed
# stays, and keeps its name.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
_CHANGE_SET = "--stack-name {stack} --change-set-name $mend {at}"
REVERT = (
    f"mend=mend-$(date +%s) && aws cloudformation create-change-set {_CHANGE_SET} "
    "--use-previous-template --deployment-mode REVERT_DRIFT --capabilities CAPABILITY_IAM && "
    f"aws cloudformation wait change-set-create-complete {_CHANGE_SET} && "
    f"aws cloudformation execute-change-set {_CHANGE_SET}"
)


class Harm(StrEnum):
    """The consequence of a fault, the worst first."""

    LOSES = "loses changes"
    DELAYS = "delays changes"
    COSTS = "costs money"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault and its remedy, each in one line."""

    check: str  # the name of this kind of fault, such as `schedule-changed`
    harm: Harm
    text: str  # the fault and its consequence
    mend: str = ""  # the command that mends it, for a shell; empty if there is none
    # Whether a person has to run it, because it asks, needs a decision, or contains NAME.
    manual: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """How commands reach a stack; the parameters are those that differ from the default."""

    stack: str
    region: str
    profile: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    released: bool = False  # deployed from a release, not by osls

    def command(self, line: str, **words: str) -> str:
        """Return a shell line with `{at}` (region and profile), `{stack}` and words filled in."""
        profile = ["--profile", self.profile] if self.profile else []
        at = shlex.join(["--region", self.region, *profile])
        quoted = {name: shlex.quote(word) for name, word in words.items()}
        return line.format(**quoted, at=at, stack=shlex.quote(self.stack))

    def deploy(self, **changed: str) -> str:
        """Return a deployment with some parameters changed; the stack remembers the others."""
        tool, option, name = "npx osls deploy", "--stage", self.stack.removeprefix(f"{SERVICE}-")
        if self.released:
            tool, option, name = "edgesweep deploy --yes", "--stack", self.stack
        parameters = [f"--param={name}={text}" for name, text in changed.items()]
        words = [*parameters, option, name, "--region", self.region]
        if self.profile:
            words += ["--profile" if self.released else "--aws-profile", self.profile]
        return f"{tool} {shlex.join(words)}"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was read. Facts that could not be read are empty, and named in `unseen`."""

    place: Place
    configured: Settings
    status: str = ""
    resources: Sequence[tuple[Resource, Found]] = ()  # of the template; empty if it is gone
    regions: Mapping[str, str] = field(default_factory=dict)  # bucket -> its region
    notifications: Mapping[str, Found] = field(default_factory=dict)  # bucket -> as S3 returns them
    distributions: Sequence[Distribution] = ()  # they lead to a swept bucket, or are configured
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)  # bucket -> its first keys
    others: Others = NOBODY  # what others in the account spent this month, as the stack saw it
    looks: Looks = field(default_factory=Looks)
    unreserved: int | None = None  # concurrent executions that functions without a reserve share
    unseen: Mapping[str, str] = field(default_factory=dict)  # fact that could not be read -> why

    def there(self, kind: str) -> Iterator[tuple[Resource, Found]]:
        """Yield the resources of a type that exist."""
        return ((one, found) for one, found in self.resources if one.kind == kind and found)
