"""A bucket, and Edgesweep as one resource of a CDK stack: `cdk deploy`.

The files are those of a release: `make release` puts them into dist/. `stack.yml` is what this
synthesises, without the names that CDK makes up.
"""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_s3, aws_s3_assets

RELEASE = Path("dist")


class Site(cdk.Stack):
    """A site that Edgesweep sweeps."""

    def __init__(self, app: cdk.App) -> None:
        super().__init__(app, "Site")
        # CDK owns the bucket's notifications, so it turns the delivery on, not `edgesweep attach`.
        bucket = aws_s3.Bucket(self, "Bucket", event_bridge_enabled=True)
        template = aws_s3_assets.Asset(
            self, "Template", path=str(RELEASE / "edgesweep-template.json")
        )
        parameters = {"Bucket": bucket.bucket_name, "CodeBucket": "my-artifacts"}
        cdk.CfnStack(self, "Edgesweep", template_url=template.http_url, parameters=parameters)


if __name__ == "__main__":
    program = cdk.App()
    Site(program)
    program.synth()
