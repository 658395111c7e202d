"""Other names, other sites, and what browsers are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.access.scopes import Scope
from app.settings import Settings
from tests.app.api.client import Client, running
from tests.app.api.guarded import Keys, bearer, guarded
from tests.app.fakes import FakeCoder

SITE = "https://ehr.example.org"
NOTE = {"text": "gout"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:9", "[::1]:8080", "127.1.2.3"])
def test_open_service_answers_to_the_names_of_its_machine(shared: Client, host: str) -> None:
    assert shared.get("/v1/info", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[", "10.0.0.1"]
)
def test_open_service_answers_to_no_other_name(shared: Client, host: str) -> None:
    refused = shared.get("/v1/info", headers={"Host": host})
    assert (refused.status_code, refused.json()["type"]) == (421, "urn:icd-cascade:problem:wrong-host")
    assert "evil" not in refused.text
    assert shared.get("/livez", headers={"Host": host}).status_code == 200


def test_listed_names_are_answered_and_others_not(coder: FakeCoder) -> None:
    settings = Settings(allowed_hosts=("codes.example.org", "*.wards.example.org"))
    with running(lambda: coder, settings) as client:
        for host, status in {
            "codes.example.org": 200,
            "Codes.Example.Org:443": 200,
            "a.wards.example.org": 200,
            "wards.example.org": 421,
            "awards.example.org": 421,
            "localhost": 421,
        }.items():
            assert client.get("/v1/info", headers={"Host": host}).status_code == status


def test_service_with_keys_answers_to_any_name(coder: FakeCoder, tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    key = keys.add(Scope.CODE)
    with guarded(coder, keys) as client:
        headers = bearer(key) | {"Host": "codes.example.org", "Origin": SITE, "Sec-Fetch-Site": "cross-site"}
        assert client.send("POST", "/v1/code", json=NOTE, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": SITE}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": SITE}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_other_sites_cannot_use_an_open_service_through_a_browser(
    shared: Client, headers: dict[str, str], status: int
) -> None:
    assert shared.send("POST", "/v1/code", json=NOTE, headers=headers).status_code == status


def preflight(client: Client, origin: str, headers: str = "authorization") -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers}
    return dict(client.send("OPTIONS", "/v1/code", headers=asked).headers)


def test_no_origin_may_read_answers_by_default(shared: Client) -> None:
    for headers in (preflight(shared, SITE), dict(shared.get("/v1/info", headers={"Origin": SITE}).headers)):
        assert not [name for name in headers if name.startswith("access-control-")]


def test_allowed_origin_may_read_answers_and_problems(coder: FakeCoder, tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    key = keys.add(Scope.CODE)
    with guarded(coder, keys, allowed_origins=(SITE,)) as client:
        allowed = preflight(client, SITE)
        assert allowed["access-control-allow-origin"] == SITE
        assert "authorization" in allowed["access-control-allow-headers"].lower()
        assert "access-control-allow-credentials" not in allowed
        assert "access-control-allow-origin" not in preflight(client, "https://evil.example")
        for headers, status in (({}, 401), (bearer(key), 200)):
            answer = client.send("POST", "/v1/code", json=NOTE, headers=headers | {"Origin": SITE})
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, SITE)
            assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
            other = client.send("POST", "/v1/code", json=NOTE, headers=headers | {"Origin": "https://evil.example"})
            assert "access-control-allow-origin" not in other.headers


def test_allowed_origin_may_use_an_open_service(coder: FakeCoder) -> None:
    with running(lambda: coder, Settings(allowed_origins=(SITE,))) as client:
        client.wait_until_ready()
        headers = {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
        assert client.send("POST", "/v1/code", json=NOTE, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/v1/info", "/livez", "/metrics", "/nowhere", "/openapi.json", "/v1/codes?q="])
def test_answers_may_not_be_kept_framed_or_run(shared: Client, path: str) -> None:
    headers = shared.get(path).headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Strict-Transport-Security" not in headers


def test_https_is_insisted_on_only_behind_tls(coder: FakeCoder) -> None:
    with running(lambda: coder, Settings(behind_tls=True)) as client:
        assert client.get("/livez").headers["Strict-Transport-Security"] == "max-age=31536000"


def test_lists_in_the_environment_are_written_with_commas() -> None:
    environment = {"ICD_CASCADE_ALLOWED_HOSTS": "a.example, b.example,", "ICD_CASCADE_METRICS_PUBLIC": "true"}
    settings = Settings.from_environment(environment)
    assert (settings.allowed_hosts, settings.metrics_public) == (("a.example", "b.example"), True)
