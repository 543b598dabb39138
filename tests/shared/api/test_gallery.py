"""The gallery's files as the API serves them: cached well, typed rightly, under any path, and nothing besides them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.vaults import forget

from photovault.api import gallery, library_app
from photovault.api.edge import lambda_handler
from photovault.settings import Settings

pytestmark = pytest.mark.usefixtures("vault")

INDEX = '<!doctype html><link rel="icon" href="./assets/icon-1.svg"><script src="./assets/index-1.js"></script>'
SCRIPT = "// é\n" * 100


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gallery of two files."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX, encoding="utf-8")
    (tmp_path / "assets" / "index-1.js").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "assets" / "index-1.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (tmp_path / "assets" / "icon-1.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "secret.js").write_text("not of the gallery", encoding="utf-8")
    monkeypatch.setattr(gallery, "BUILT", tmp_path)
    return tmp_path


@pytest.fixture
def http() -> TestClient:
    return TestClient(library_app())


@pytest.fixture
def below_a_stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ROOT_PATH", "/v1")
    forget()
    yield
    forget()


def test_the_page_is_asked_for_at_each_visit_and_sent_when_it_has_changed(built: Path, http: TestClient) -> None:
    first = http.get("/")
    assert (first.status_code, first.text) == (200, INDEX)
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    assert http.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    (built / "index.html").write_text(INDEX + "<p>newer</p>", encoding="utf-8")
    assert http.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 200
    assert http.head("/").status_code == 200


def test_assets_are_kept_for_ever_and_packed_for_those_who_can_unpack_them(built: Path, http: TestClient) -> None:
    for accepted, packed in (("gzip, br", True), ("br", False), ("gzip;q=0", False), ("*;q=0.1, gzip;q=0.5", True)):
        answer = http.get("/assets/index-1.js", headers={"Accept-Encoding": accepted})
        assert (answer.status_code, answer.text) == (200, SCRIPT)
        assert (answer.headers.get("content-encoding") == "gzip") is packed
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["vary"] == "Accept-Encoding"
    assert http.get("/assets/icon-1.svg").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize(
    "name", ["index-2.js", "../secret.js", "..%2fsecret.js", "%2e%2e/secret.js", "index-1.js.gz", "", "x" * 300 + ".js"]
)
def test_what_is_no_asset_is_not_found(built: Path, http: TestClient, name: str) -> None:
    answer = http.get(f"/assets/{name}")
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


@pytest.mark.usefixtures("below_a_stage")
@pytest.mark.parametrize("path", ["/", ""])
def test_below_a_stage_the_page_loads_what_lies_below_it(built: Path, path: str) -> None:
    event = {
        "resource": "/",
        "path": path,
        "httpMethod": "GET",
        "headers": {"accept-encoding": "gzip"},
        "multiValueHeaders": {"accept-encoding": ["gzip"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"path": f"/v1{path}", "identity": {"sourceIp": "10.0.0.1"}},
        "body": None,
        "isBase64Encoded": False,
    }
    handle = lambda_handler(library_app())
    page = handle(event, None)
    assert page["statusCode"] == 200
    assert page["body"] == INDEX.replace("./assets/", "/v1/assets/")
    script = handle({**event, "resource": "/{proxy+}", "path": "/assets/index-1.js"}, None)
    assert (script["statusCode"], script["isBase64Encoded"]) == (200, True)


def test_the_policy_lets_in_this_server_and_the_storages_alone(built: Path, http: TestClient) -> None:
    said = dict(each.split(" ", 1) for each in http.get("/").headers["content-security-policy"].split("; "))
    assert said["default-src"] == said["base-uri"] == said["frame-ancestors"] == "'none'"
    assert said["script-src"] == said["style-src"] == said["worker-src"] == "'self'"
    assert "unsafe" not in json.dumps(said)
    assert said["connect-src"] == "'self' http://127.0.0.1:8999 http://127.0.0.1:9"


def test_the_policy_names_the_hosts_that_tickets_and_upload_forms_point_to() -> None:
    settings = Settings(
        _env_file=None,
        public_url="https://photos.example/vault",
        vault_bucket="a-vault",
        staging_bucket="dotted.staging",
        aws_region="eu-west-1",
        aws_endpoint_url=None,
        cloudinary_cloud_name="demo",
        cloudinary_upload_prefix="https://api-eu.cloudinary.com",
    )
    assert gallery.origins(settings) == (
        "https://photos.example",
        "https://a-vault.s3.eu-west-1.amazonaws.com",
        "https://s3.eu-west-1.amazonaws.com",
        "https://api-eu.cloudinary.com",
    )


@pytest.mark.parametrize("path", ["/", "/?lang=de"])
def test_where_it_has_not_been_built_the_page_says_so_and_the_api_runs(
    http: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(gallery, "BUILT", tmp_path)
    page = http.get(path)
    assert page.status_code == 200
    assert "make gallery" in page.text
    assert 'href="/docs"' in page.text
    assert http.get("/health").status_code == 200
