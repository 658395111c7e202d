"""The service: HTTP, the pipeline of one note, metrics, evaluation. Imports index_builder and model."""
