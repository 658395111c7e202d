from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.exported import FOREIGN, TARGET_LABELS
from tests.deploy.files import DEPLOY, find_tool, read_yaml, run_tool
from tests.deploy.promql import metrics_of, selections

DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "icd-cascade.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def written_out(expression: str) -> str:
    return expression.replace("$__rate_interval", "5m").replace("$job", ".*")


def expressions() -> Iterator[tuple[str, str]]:
    for panel in PANELS:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    yield from ((note["name"], note["expr"]) for note in DASHBOARD["annotations"]["list"])


@pytest.mark.parametrize(("title", "expression"), list(expressions()))
def test_panel_reads_what_the_service_exports(
    title: str, expression: str, service_metrics: dict[str, set[str]]
) -> None:
    names = metrics_of(written_out(expression))
    assert names, title
    assert names <= service_metrics.keys() | FOREIGN
    for name, label in selections(expression):
        assert label in service_metrics[name] | TARGET_LABELS, f"{name} has no label {label}"


def test_dashboard_shows_what_operators_ask_for() -> None:
    read = set().union(*(metrics_of(written_out(expression)) for _, expression in expressions()))
    assert read >= {
        "icd_stage_duration_seconds_bucket",
        "icd_queue_tokens",
        "icd_backlog_oldest_shard_age_seconds",
        "icd_shadow_lost_codes_total",
        "icd_index_info",
        "DCGM_FI_DEV_GPU_UTIL",
    }


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + column, place["y"] + line) for column in range(place["w"]) for line in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_provisioning_leads_to_the_dashboard() -> None:
    compose = read_yaml(DEPLOY.parent / "docker-compose.yml")["services"]["grafana"]
    mounted = {line.split(":")[0]: line.split(":")[1] for line in compose["volumes"]}
    provider = read_yaml(DEPLOY / "grafana" / "provisioning" / "dashboards" / "icd-cascade.yml")["providers"][0]
    assert provider["options"]["path"] == mounted["./deploy/grafana/dashboards"]
    source = read_yaml(DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml")["datasources"][0]
    assert source["url"].strip("${}") in compose["environment"]
    assert source["type"] == DASHBOARD["templating"]["list"][0]["query"]


@pytest.mark.skipif(find_tool("promtool") is None, reason="promtool (Debian: prometheus) is missing")
def test_promtool_takes_every_expression(tmp_path: Path) -> None:
    listed: list[Any] = [
        {"record": f"panel:{number}", "expr": written_out(expression)}
        for number, (_, expression) in enumerate(expressions())
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": listed}]}), encoding="utf-8")
    run_tool("promtool", "check", "rules", str(path))
