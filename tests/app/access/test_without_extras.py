"""A default install has none of the extras: the service must start without them."""

from __future__ import annotations

import subprocess
import sys

EXTRAS = ("jwt", "opentelemetry.sdk", "torch", "transformers", "sklearn", "pyarrow", "matplotlib")


def test_the_service_imports_without_any_extra() -> None:
    blocked = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r}))"
    opened = "import app.access.door, app.api.application, app.cli.serve, app.cli.code, app.pipeline.assemble"
    done = subprocess.run([sys.executable, "-c", f"{blocked}; {opened}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
