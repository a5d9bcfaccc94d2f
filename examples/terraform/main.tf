# A bucket, and Edgesweep as one resource. The files are those of a release: `make release` puts them into dist/.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

variable "release" {
  description = "Folder of the release"
  default     = "dist"
}

locals {
  zip = one(fileset(var.release, "edgesweep-*.zip"))
}

resource "aws_s3_bucket" "site" {
  bucket_prefix = "my-site-"
}

# Terraform owns the bucket's notifications, so the delivery is turned on here rather than by `edgesweep attach`.
resource "aws_s3_bucket_notification" "site" {
  bucket      = aws_s3_bucket.site.id
  eventbridge = true
}

resource "aws_s3_bucket" "code" {
  bucket_prefix = "my-artifacts-"
}

resource "aws_s3_object" "code" {
  bucket = aws_s3_bucket.code.id
  key    = local.zip
  source = "${var.release}/${local.zip}"
}

resource "aws_cloudformation_stack" "edgesweep" {
  name          = "edgesweep-prod"
  capabilities  = ["CAPABILITY_IAM"]
  template_body = file("${var.release}/edgesweep-template.json")

  parameters = {
    Bucket     = aws_s3_bucket.site.id
    CodeBucket = aws_s3_object.code.bucket
    BudgetUsd  = "5"
  }
}
