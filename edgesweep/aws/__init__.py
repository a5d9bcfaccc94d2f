"""Everything that reaches AWS: the only room that imports boto3 or pynamodb for the functions."""
