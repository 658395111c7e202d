from __future__ import annotations

import subprocess
import sys

import pytest

from app.cli.main import COMMANDS, main
from app.version import VERSION


def test_help_lists_the_commands_without_importing_them() -> None:
    program = "import sys; from app.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    program += "print(sorted({'fastapi', 'numpy', 'pydantic', 'rich', 'torch', 'uvicorn'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"icd-cascade {command}" in capsys.readouterr().out


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"icd-cascade {VERSION}\n"


def test_failure_of_a_command_is_one_line_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["code", "no-such-note.txt"]) == 1
    assert capsys.readouterr().err.startswith("icd-cascade: ")
