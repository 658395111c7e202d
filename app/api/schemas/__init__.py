"""The shapes of requests and answers. pydantic lives here; the pipeline has its own values."""
