"""An edge that caches, as CloudFront's documentation says it does.

It serves what viewers get: it picks a behaviour, runs functions, asks origins, keeps answers and
forgets them when an invalidation says so. It knows nothing of the package that it judges. Each rule
stands under the sentence of the documentation that it follows:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/

Where a sentence can be read in two ways, the edge takes the reading that keeps an answer longer: it
forgets an answer only if both readings say so.

- `config`     a distribution, read from the form that CloudFront's API returns
- `s3`         the answers of a bucket, at its REST endpoint and at its website endpoint
- `functions`  CloudFront Functions, run by Node; Lambda@Edge as plain functions
- `cache`      how long an answer stays, and what makes it go
- `serve`      one request of one viewer
- `server`     an HTTP endpoint on loopback in front of an embedded AWS
"""
