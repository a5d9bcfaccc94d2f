"""S3 messages in, dirty rows out."""
