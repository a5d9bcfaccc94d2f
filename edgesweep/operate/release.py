"""The release that an installation carries: a template, and the zip of its functions.

`make release` builds both. A change set deploys them, so that a dry run sees what would change.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from itertools import takewhile
from secrets import token_hex
from typing import Any, Self

import boto3
from botocore.exceptions import WaiterError

from edgesweep.errors import EdgesweepError, NoStack
from edgesweep.operate.stack import SERVICE, described, is_released, parameters_of

_WAIT: Any = {"Delay": 5, "MaxAttempts": 360}
RETAIN = "Retain"  # the data of a resource that leaves the stack
_NONE = "This installation carries no release; `make release` builds a wheel with one"
_BEGUN = "User Initiated"
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True, slots=True)
class Release:
    """A template, and the zip that it looks for under a key made of its hash."""

    template: str
    key: str
    code: bytes

    @classmethod
    def carried(cls) -> Self:
        """Return the release of this installation; EdgesweepError if it carries none."""
        folder = files("edgesweep") / "release"
        try:
            template = (folder / "template.json").read_text()
            code = (folder / "edgesweep.zip").read_bytes()
        except FileNotFoundError as error:
            raise EdgesweepError(_NONE) from error
        function = json.loads(template)["Resources"]["FlushLambdaFunction"]
        return cls(template, function["Properties"]["Code"]["S3Key"], code)

    def upload(self, session: boto3.Session, bucket: str) -> None:
        """Upload the zip to a bucket of the account; without a name, make one for it."""
        s3, region = session.client("s3"), session.region_name
        account = session.client("sts").get_caller_identity()["Account"]
        if not bucket:
            bucket = f"{SERVICE}-releases-{account}-{region}"
            where: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}}
            with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
                s3.create_bucket(Bucket=bucket, **({} if region == "us-east-1" else where))
        s3.put_object(Bucket=bucket, Key=self.key, Body=self.code, ExpectedBucketOwner=account)


@dataclass(frozen=True, slots=True)
class Deployer:
    """Deploys and removes a stack.

    EdgesweepError says why CloudFormation refuses or fails, or that osls deployed the stack.
    """

    session: boto3.Session
    stack: str

    @contextmanager
    def change_set(
        self, release: Release, values: Sequence[Any]
    ) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Yield the id of a change set, and what it does to each resource.

        At the end we delete a change set that nobody executed, and a stack that was never created,
        so that nothing blocks another attempt.
        """
        client, new = self.session.client("cloudformation"), self._is_new()
        kind: Any = {"ChangeSetType": "CREATE", "OnStackFailure": "DELETE"} if new else {}
        stage = self.stack.removeprefix(f"{SERVICE}-")
        made = client.create_change_set(
            StackName=self.stack,
            ChangeSetName=f"{SERVICE}-{token_hex(8)}",
            TemplateBody=release.template,
            Parameters=values,
            Capabilities=["CAPABILITY_IAM"],
            Tags=[{"Key": "service", "Value": SERVICE}, {"Key": "stage", "Value": stage}],
            **kind,
        )
        try:
            yield made["Id"], self._changes(made["Id"])
        finally:
            if self._is_new():
                client.delete_stack(StackName=self.stack)
            else:
                client.delete_change_set(ChangeSetName=made["Id"])

    def code_bucket(self) -> str:
        """Return the bucket that was named for the zip, empty without a name or a stack."""
        with suppress(NoStack):
            return parameters_of(described(self.session, self.stack)).get("CodeBucket", "")
        return ""

    def execute(self, change_set: str) -> None:
        """Carry out a change set, and wait until that is done."""
        with self._waiting("stack_create_complete" if self._is_new() else "stack_update_complete"):
            self.session.client("cloudformation").execute_change_set(ChangeSetName=change_set)

    def remove(self) -> None:
        """Delete the stack, and wait until it is gone."""
        if not self._is_new():
            with self._waiting("stack_delete_complete"):
                self.session.client("cloudformation").delete_stack(StackName=self.stack)

    def _is_new(self) -> bool:
        try:
            found = described(self.session, self.stack)
        except NoStack:
            return True
        if not is_released(found):
            raise EdgesweepError(f"The stack {self.stack} was deployed with osls; use that")
        return found["StackStatus"] == "REVIEW_IN_PROGRESS"

    def _changes(self, change_set: str) -> Mapping[str, str]:
        client = self.session.client("cloudformation")
        waiter = client.get_waiter("change_set_create_complete")
        try:
            waiter.wait(ChangeSetName=change_set, WaiterConfig=_WAIT)
        except WaiterError as error:
            reason = str(error.last_response.get("StatusReason", error))
            if any(text in reason for text in _NO_CHANGES):
                return {}
            raise EdgesweepError(f"CloudFormation refuses the change set: {reason}") from error
        pages = client.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
        return {
            one["LogicalResourceId"]: RETAIN if one.get("PolicyAction") == RETAIN else one["Action"]
            for one in pages.search("Changes[].ResourceChange")
        }

    @contextmanager
    def _waiting(self, until: Any) -> Iterator[None]:  # noqa: ANN401  # a literal of boto3's
        """Wait for the operation that the block starts; we ask by id, as the stack may go."""
        client = self.session.client("cloudformation")
        identity = described(self.session, self.stack)["StackId"]
        yield
        try:
            client.get_waiter(until).wait(StackName=identity, WaiterConfig=_WAIT)
        except WaiterError as error:
            pages = client.get_paginator("describe_stack_events").paginate(StackName=identity)
            # The newest events come first; those of our operation end at the user's request.
            events = pages.search("StackEvents[]")
            first = str(error)
            for one in takewhile(lambda one: one.get("ResourceStatusReason") != _BEGUN, events):
                if one["ResourceStatus"].endswith("_FAILED"):
                    first = f"{one['LogicalResourceId']}: {one['ResourceStatusReason']}"
            raise EdgesweepError(f"CloudFormation failed; the first failure was {first}") from error
