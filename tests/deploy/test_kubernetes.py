from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from app.backlog.keys import MasterKeys, new_key
from app.settings import PREFIX, Settings
from tests.deploy.exported import FOREIGN
from tests.deploy.files import DEPLOY, render, run_tool
from tests.deploy.promql import metrics_of

KUBERNETES = ("1.30", "1.37")  # the oldest and the newest that the manifests are meant for
CRDS = frozenset({"ServiceMonitor", "PrometheusRule", "ScaledObject"})  # Kubernetes has no schema of these
OVERLAYS = ("overlays/cpu", "overlays/gpu")
WHICH = pytest.mark.parametrize("overlay", OVERLAYS)


def one(overlay: str, kind: str) -> dict[str, Any]:
    (found,) = [manifest for manifest in render(overlay) if manifest["kind"] == kind]
    return found


def pod(overlay: str) -> dict[str, Any]:
    spec: dict[str, Any] = one(overlay, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(overlay: str) -> dict[str, Any]:
    (only,) = pod(overlay)["containers"]
    return dict(only)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("version", KUBERNETES)
@WHICH
def test_manifests_follow_the_schemas_of_kubernetes(overlay: str, version: str) -> None:
    checked = [manifest for manifest in render(overlay) if manifest["kind"] not in CRDS]
    assert len(checked) >= 6
    for manifest in checked:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_misspelt_field_is_noticed() -> None:
    manifest = yaml.safe_load(yaml.safe_dump(one(OVERLAYS[0], "Deployment")))
    manifest["spec"]["template"]["spec"]["terminationGracePeriod"] = 5
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, KUBERNETES[0], strict=True)


@WHICH
def test_all_is_in_one_namespace_and_no_secret_is_among_it(overlay: str) -> None:
    assert {manifest["metadata"]["namespace"] for manifest in render(overlay)} == {"icd-cascade"}
    assert "Secret" not in {manifest["kind"] for manifest in render(overlay)}
    for text in texts(list(render(overlay))):
        assert not re.search(r"icdc_[0-9a-f]{12}_|://[^/\s]*:[^/\s]+@", text)


@WHICH
def test_pod_may_do_nothing_that_it_need_not(overlay: str) -> None:
    spec, only = pod(overlay), container(overlay)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {mount["mountPath"] for mount in only["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/tmp", "/var/lib/icd-cascade"}
    assert {"cpu", "memory"} <= only["resources"]["limits"].keys()


@WHICH
def test_settings_in_the_pod_exist_and_leave_time_to_drain(overlay: str) -> None:
    assert pod(overlay)["enableServiceLinks"] is False  # ICD_CASCADE_PORT would be a URL
    environment = {entry["name"]: entry.get("value", "postgresql://db/x") for entry in container(overlay)["env"]}
    assert {name.removeprefix(PREFIX).lower() for name in environment} <= Settings.model_fields.keys()
    settings = Settings.from_environment(environment)
    needed = settings.drain_seconds + settings.deadline_seconds + 5
    assert pod(overlay)["terminationGracePeriodSeconds"] > needed
    probe = container(overlay)["readinessProbe"]
    assert settings.drain_seconds > probe["periodSeconds"] * probe["failureThreshold"]


@WHICH
def test_probes_ask_what_they_should(overlay: str) -> None:
    asked = {
        name: container(overlay)[name]["httpGet"]["path"]
        for name in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert asked == {"startupProbe": "/livez", "readinessProbe": "/readyz", "livenessProbe": "/livez"}


@WHICH
def test_secrets_are_mounted_so_that_the_service_takes_them(overlay: str, tmp_path: Any) -> None:
    (volume,) = [one for one in pod(overlay)["volumes"] if "secret" in one]
    key = tmp_path / "backlog.key"
    key.write_text(new_key(), encoding="ascii")
    key.chmod(volume["secret"]["defaultMode"])
    assert MasterKeys.read(key).current
    (mount,) = [one for one in container(overlay)["volumeMounts"] if one["name"] == volume["name"]]
    files = {f"{mount['mountPath']}/{item['path']}" for item in volume["secret"]["items"]}
    arguments = container(overlay)["args"]
    assert "--host=0.0.0.0" in arguments
    assert next(text.partition("=")[2] for text in arguments if text.startswith("--keys=")) in files
    assert next(e["value"] for e in container(overlay)["env"] if e["name"].endswith("KEY_FILE")) in files


@WHICH
def test_everything_finds_the_pods(overlay: str) -> None:
    labels = one(overlay, "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        one(overlay, "Service")["spec"]["selector"],
        one(overlay, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        one(overlay, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector
        assert selector.items() <= labels.items()
    monitored = one(overlay, "ServiceMonitor")["spec"]
    assert monitored["selector"]["matchLabels"].items() <= one(overlay, "Service")["metadata"]["labels"].items()
    assert monitored["endpoints"][0]["authorization"]["credentials"]["name"] == "icd-cascade-scrape"
    assert set(one(overlay, "NetworkPolicy")["spec"]["policyTypes"]) == {"Ingress", "Egress"}


def test_cpu_scales_on_queued_tokens(service_metrics: dict[str, set[str]]) -> None:
    spec = one("overlays/cpu", "HorizontalPodAutoscaler")["spec"]
    assert [metric["pods"]["metric"]["name"] for metric in spec["metrics"]] == ["icd_queue_tokens"]
    assert spec["minReplicas"] >= 2
    adapter = yaml.safe_load((DEPLOY / "kubernetes" / "components" / "hpa" / "adapter.yaml").read_text())
    assert adapter["rules"]["custom"][0]["seriesQuery"].startswith("icd_queue_tokens{")
    assert "icd_queue_tokens" in service_metrics


def test_gpu_scales_on_queued_tokens_and_waits_for_a_gpu(service_metrics: dict[str, set[str]]) -> None:
    spec = one("overlays/gpu", "ScaledObject")["spec"]
    read = set().union(*(metrics_of(trigger["metadata"]["query"]) for trigger in spec["triggers"]))
    assert "icd_queue_tokens" in read
    assert read <= service_metrics.keys() | FOREIGN
    assert container("overlays/gpu")["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod("overlays/gpu")["nodeSelector"] == {"nvidia.com/gpu.present": "true"}


@WHICH
def test_one_autoscaler_at_a_time(overlay: str) -> None:
    kinds = [manifest["kind"] for manifest in render(overlay)]
    assert sum(kind in {"HorizontalPodAutoscaler", "ScaledObject"} for kind in kinds) == 1
    assert "replicas" not in one(overlay, "Deployment")["spec"]


def test_index_can_come_from_a_volume(tmp_path: Any) -> None:
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [../kubernetes/overlays/cpu]\ncomponents: [../kubernetes/components/mounted-index]\n"
    )
    folder = DEPLOY / "kubernetes"
    (tmp_path.parent / "kubernetes").symlink_to(folder)
    (tmp_path.parent / "grafana").symlink_to(DEPLOY / "grafana")
    manifests = list(yaml.safe_load_all(run_tool("kubectl", "kustomize", str(tmp_path))))
    (deployment,) = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
    kubernetes_validate.validate(deployment, KUBERNETES[0], strict=True)
    mounts = deployment["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert {"name": "index", "mountPath": "/srv/icd-cascade/artifacts", "readOnly": True} in mounts
