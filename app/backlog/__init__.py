"""Durable batches: notes that are taken now and coded when the device is free. docs/backlog.md tells the whole way."""
