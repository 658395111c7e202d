from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.access.keyfile import read_keys
from app.backlog.keys import MasterKeys
from app.cli.main import main
from tests.deploy.files import DEPLOY, ROOT, find_tool, run_tool

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE_FILES = (["docker-compose.yml"], ["docker-compose.yml", "deploy/compose/gpu.yml"])
PASSWORDS = {"POSTGRES_PASSWORD": "p0", "GRAFANA_PASSWORD": "g0"}


def instruction(name: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return re.findall(rf"^\s*{name} (.+)$", joined, re.MULTILINE)


def compose(files: list[str]) -> dict[str, Any]:
    flags = [flag for file in files for flag in ("--file", file)]
    read: dict[str, Any] = json.loads(run_tool("docker-compose", *flags, "config", "--format", "json", **PASSWORDS))
    return read


def test_hadolint_finds_nothing() -> None:
    assert run_tool("hadolint", "Dockerfile") == ""


def test_every_version_is_pinned() -> None:
    stages = {line.split(" AS ")[1] for line in instruction("FROM")}
    for line in instruction("FROM"):
        image = line.split(" AS ")[0]
        assert image in stages or re.search(r":\d+\.\d+\.\d+", image), image
    for line in instruction("RUN"):
        for command in re.findall(r"pip install ([^&]+)", line):
            named = [word for word in shlex.split(command) if not word.startswith(("-", ".", "constraints"))]
            assert all("==" in word for word in named), command
            assert named or "--constraint constraints.txt" in command
    for service in compose(COMPOSE_FILES[1])["services"].values():
        assert service["image"].startswith("icd-cascade:") or re.search(r":v?\d+\.\d+", service["image"])


def test_images_of_both_kinds_with_and_without_index() -> None:
    assert {"cpu", "gpu", "cpu-indexed", "gpu-indexed"} <= {line.split(" AS ")[1] for line in instruction("FROM")}
    assert instruction("FROM")[-1].endswith(" AS cpu-indexed")


def test_image_runs_as_nobody_in_particular_and_tells_when_it_is_ready() -> None:
    assert instruction("USER") == ["10001:10001"]
    (check,) = instruction("HEALTHCHECK")
    assert "/readyz" in check
    command = json.loads(instruction("CMD")[-1])
    assert command[:3] == ["serve", "--host", "0.0.0.0"]
    assert "--keys" in command
    assert not re.search(r"(?i)(password|secret|token)=", DOCKERFILE)


def test_build_sees_only_what_it_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    copied = {path for line in instruction("COPY") if "--from" not in line for path in line.split()[:-1]}
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == copied
    assert all((ROOT / path).exists() for path in copied)


@pytest.mark.parametrize("files", COMPOSE_FILES, ids=["cpu", "gpu"])
def test_compose_takes_the_file(files: list[str]) -> None:
    services = compose(files)["services"]
    assert services.keys() >= {"icd-cascade", "postgres", "prometheus", "grafana"}
    for name in ("icd-cascade", "keys", "postgres", "prometheus", "grafana"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    for service in services.values():
        assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", []))


@pytest.mark.parametrize("missing", PASSWORDS)
def test_compose_has_no_password_of_its_own(missing: str) -> None:
    found = find_tool("docker-compose")
    assert found is not None
    given = {name: value for name, value in PASSWORDS.items() if name != missing}
    done = subprocess.run([found, "config", "-q"], cwd=ROOT, env=given, capture_output=True, text=True)
    assert done.returncode != 0
    assert missing in done.stderr


def test_keys_are_made_once_and_taken_by_the_service(tmp_path: Path) -> None:
    state, scrape = tmp_path / "state", tmp_path / "scrape"
    state.mkdir()
    scrape.mkdir()
    folders = {"STATE_FOLDER": str(state), "SCRAPE_FOLDER": str(scrape)}
    program = find_tool("icd-cascade")
    assert program is not None
    folders["PATH"] = f"{Path(program).parent}:/usr/bin:/bin"
    script = str(DEPLOY / "compose" / "make-keys.sh")
    run_tool("sh", script, **folders)
    made = {path.name: path.read_bytes() for path in (*state.iterdir(), *scrape.iterdir()) if path.name[0] != "."}
    assert made.keys() == {"keys.json", "backlog.key", "key"}
    run_tool("sh", script, **folders)
    assert all((state / name).read_bytes() == made[name] for name in ("keys.json", "backlog.key"))
    (key,) = read_keys(state / "keys.json").values()
    assert (key.name, set(map(str, key.scopes))) == ("prometheus", {"metrics"})
    assert MasterKeys.read(state / "backlog.key").current
    assert main(["keys", "--file", str(state / "keys.json"), "list"]) == 0


TRIAL = DEPLOY / "try-image.sh"


def test_trial_runs_the_image_as_the_guide_says_and_finds_its_healthcheck() -> None:
    trial, guide = TRIAL.read_text(encoding="utf-8"), (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for flag in ("--read-only", "--tmpfs /tmp", "--cap-drop ALL", "--security-opt no-new-privileges"):
        assert flag in trial
        assert flag in guide
    (pattern,) = re.findall(r"grep -o '([^']+)'", trial)
    (check,) = instruction("HEALTHCHECK")
    found = re.search(pattern, check)
    assert found is not None
    compile(found[0], "HEALTHCHECK", "exec")


def test_trial_of_an_image_that_is_not_there_fails() -> None:
    environment = {"ENGINE": "false", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["sh", str(TRIAL), "none:0"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "failed: the image has no HEALTHCHECK" in done.stderr
