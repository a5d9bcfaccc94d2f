"""The adapters that reach AWS; the functions import boto3 and pynamodb only here."""
