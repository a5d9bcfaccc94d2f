"""A demo site is removed with all its objects in a temporary stage, and not at all in another.

The deployer here has only the permissions of `infra/deployer-policy.json`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from infra.local.aws import ROOT, EmbeddedAws, embedded_aws
from tests.e2e.shell import run

POLICY = (ROOT / "infra" / "deployer-policy.json").read_text()


@dataclass(frozen=True, slots=True)
class Deployer:
    """Somebody who deploys, and the keys that they do it with."""

    aws: EmbeddedAws
    keys: dict[str, str]

    def osls(self, command: str, stage: str) -> str:
        """Run osls; return what it prints, on either stream."""
        return run(self.aws, f"npx osls {command} --stage {stage} 2>&1", self.keys)

    def fill(self, stage: str) -> str:
        """Put an object into the site's bucket, twice, and delete another; return its name."""
        (stack,) = self.aws.client("cloudformation").describe_stacks(
            StackName=f"edgesweep-{stage}"
        )["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        bucket, s3 = outputs["SiteBucket"], self.aws.client("s3")
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for key in ("index.html", "index.html", "gone.html"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"")
        s3.delete_object(Bucket=bucket, Key="gone.html")
        return str(bucket)

    def buckets(self) -> set[str]:
        """Return the names of all buckets."""
        return {one["Name"] for one in self.aws.client("s3").list_buckets()["Buckets"]}

    def tables(self) -> set[str]:
        """Return the names of all tables."""
        return set(self.aws.client("dynamodb").list_tables()["TableNames"])


@pytest.fixture(scope="module", name="deployer")
def _deployer() -> Iterator[Deployer]:
    with embedded_aws(name="e2e-removal") as aws:
        iam = aws.client("iam")
        iam.create_user(UserName="deployer")
        policy = iam.create_policy(PolicyName="deployer", PolicyDocument=POLICY)["Policy"]["Arn"]
        iam.attach_user_policy(UserName="deployer", PolicyArn=policy)
        key = iam.create_access_key(UserName="deployer")["AccessKey"]
        named = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }
        yield Deployer(aws, named)


def test_temporary_stage(deployer: Deployer) -> None:
    """A temporary stage leaves nothing behind, not even old versions, and can be deployed again."""
    said = deployer.osls("deploy --param=demo=true", "test")
    bucket = deployer.fill("test")
    assert f"Next: upload something to {bucket}, then run edgesweep status" in said
    assert bucket in deployer.buckets()

    assert "unknown" not in deployer.osls("remove", "test")
    assert bucket not in deployer.buckets()
    assert deployer.tables() == set()

    deployer.osls("deploy --param=demo=true", "test")
    assert bucket in deployer.buckets()


def test_kept_stage(deployer: Deployer) -> None:
    """A site of any other stage is not removed while its bucket holds anything."""
    deployer.osls("deploy --param=demo=true", "kept")
    bucket = deployer.fill("kept")
    tables = deployer.tables()

    with pytest.raises(AssertionError, match=f"aws s3 rm --recursive s3://{bucket}"):
        deployer.osls("remove", "kept")

    assert bucket in deployer.buckets()
    assert deployer.tables() == tables
