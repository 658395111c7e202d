"""SIGTERM while clients send: a balancer that watches /readyz loses no request, and the process exits 0."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[3]
DRAIN_SECONDS = 1.5


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.app.cli.slow_service", str(folder), str(DRAIN_SECONDS)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


class Balancer:
    """Sends notes as long as the last probe said ready, as a load balancer would."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ready = threading.Event()
        self._ready.set()
        self.statuses: list[int] = []

    def probe(self) -> None:
        with httpx.Client() as client:
            while client.get(f"{self._url}/readyz", timeout=60).status_code == 200:
                time.sleep(0.05)
        self._ready.clear()

    def send(self) -> None:
        with httpx.Client() as client:
            while self._ready.is_set():
                answer = client.post(f"{self._url}/v1/code", json={"text": "gout"}, timeout=60)
                self.statuses.append(answer.status_code)


def test_no_request_is_lost_when_the_service_stops_under_load(tmp_path: Path) -> None:
    with start(tmp_path) as process, ThreadPoolExecutor() as threads:
        assert process.stdout is not None
        balancer = Balancer(process.stdout.readline().strip())
        running = [threads.submit(balancer.probe), *(threads.submit(balancer.send) for _ in range(4))]
        while len(balancer.statuses) < 4:
            time.sleep(0.02)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        for future in running:
            future.result(60)  # raises what a client would see: a refused or broken connection
        assert process.wait(60) == 0
        assert time.monotonic() - begin >= DRAIN_SECONDS
    assert set(balancer.statuses) == {200}


def test_second_signal_ends_the_drain_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.app.cli.slow_service", str(tmp_path), "300"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        while (answer := httpx.get(f"{url}/readyz")).status_code != 503:
            time.sleep(0.02)
        assert answer.headers["Connection"] == "close"  # clients go elsewhere before the socket closes
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
