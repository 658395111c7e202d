"""A backlog in files: notes from Parquet or ndjson, answers to Parquet, part by part. docs/ray.md tells of it."""
