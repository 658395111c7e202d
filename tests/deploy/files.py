"""The files under test, and the tools that check them: none of them talks to a cluster, an engine or the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "rules.yml"


def find_tool(name: str) -> str | None:
    """A program of this environment, or of the machine."""
    return shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def run_tool(name: str, *args: str, **environment: str) -> str:
    """What a program prints; a failure shows what it said."""
    found = find_tool(name)
    assert found is not None, f"{name} is not installed: pip install 'icd-cascade[dev]'"
    done = subprocess.run(
        [found, *args], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    """Alerts and recordings."""
    return [rule for group in read_yaml(RULES)["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


@cache
def render(folder: str) -> tuple[dict[str, Any], ...]:
    """The manifests of an overlay."""
    return tuple(yaml.safe_load_all(run_tool("kubectl", "kustomize", str(DEPLOY / "kubernetes" / folder))))
