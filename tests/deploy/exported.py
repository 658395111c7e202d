"""What a running service exports, read from its own /metrics."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.app.api.client import Client

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "info": ("_info",)}
# Of Prometheus itself, and of NVIDIA's dcgm-exporter as it is set up by default.
FOREIGN = frozenset(
    {"up", "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE", "DCGM_FI_DEV_GPU_TEMP"}
)
TARGET_LABELS = frozenset({"job", "instance", "le"})


def exported(client: Client) -> dict[str, set[str]]:
    """Names of the samples of every family, also of those without one yet, and the labels seen on them."""
    assert client.code(text="gout").status_code == 200
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for suffix in _SUFFIXES.get(family.type, ("",)):
            found.setdefault(family.name + suffix, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found
