from __future__ import annotations

import re

import pytest

from tests.deploy.exported import FOREIGN, TARGET_LABELS
from tests.deploy.files import DEPLOY, ROOT, RULES, alerts, find_tool, read_yaml, rules, run_tool
from tests.deploy.promql import metrics_of, selections

needs_promtool = pytest.mark.skipif(find_tool("promtool") is None, reason="promtool (Debian: prometheus) is missing")


def test_names_are_found_in_expressions() -> None:
    found = metrics_of('sum by (le, job) (rate(a_bucket{job=~"x|y"}[5m])) / on(job) b:c_total > 14.4 * 0.001 and d_e')
    assert found == {"a_bucket", "b:c_total", "d_e"}
    assert set(selections('a{job="x",route=~"/v1/{2}"} + b{le="5.0"}')) >= {("a", "job"), ("a", "route"), ("b", "le")}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_rule_reads_what_the_service_exports(rule: dict[str, str], service_metrics: dict[str, set[str]]) -> None:
    recorded = {one["record"] for one in rules() if "record" in one}
    assert metrics_of(rule["expr"])
    assert metrics_of(rule["expr"]) <= service_metrics.keys() | FOREIGN | recorded
    for name, label in selections(rule["expr"]):
        assert name in FOREIGN or label in service_metrics[name] | TARGET_LABELS, f"{name} has no label {label}"


def test_metric_that_is_not_exported_is_noticed(service_metrics: dict[str, set[str]]) -> None:
    assert metrics_of("rate(icd_requests_served_total[5m])") - service_metrics.keys() == {"icd_requests_served_total"}


def test_latency_alert_asks_for_a_bucket_that_exists(service_metrics: dict[str, set[str]]) -> None:
    from app.serving.metrics import REQUEST_SECONDS

    asked = {float(bound) for rule in rules() for bound in re.findall(r'le="([\d.]+)"', rule["expr"])}
    assert asked
    assert asked <= set(REQUEST_SECONDS)


def test_every_alert_says_how_urgent_it_is_and_has_its_line_in_the_runbook() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [alert["alert"] for alert in alerts()]
    for alert in alerts():
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"


def test_every_alert_is_tested() -> None:
    tested = {
        test["name"]
        for test in read_yaml(DEPLOY / "prometheus" / "rules_test.yml")["tests"]
        if any(expected["exp_samples"] for expected in test["promql_expr_test"])
    }
    assert tested == {alert["alert"] for alert in alerts()}


def test_cluster_has_the_same_rules() -> None:
    manifest = read_yaml(DEPLOY / "kubernetes" / "base" / "prometheusrule.yaml")
    assert manifest["spec"] == read_yaml(RULES)


@needs_promtool
def test_promtool_takes_the_rules() -> None:
    run_tool("promtool", "check", "rules", str(RULES))


@needs_promtool
def test_alerts_fire_when_they_should_and_not_before() -> None:
    run_tool("promtool", "test", "rules", str(DEPLOY / "prometheus" / "rules_test.yml"))
