"""The CloudFront function in njs, the nearest of kin to CloudFront's own runtime."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import within
from tests.workers.functions import made
from tests.workers.verdicts import CASES, NOW, ZONES, facts_of, zone_of

pytestmark = pytest.mark.engines

SCRIPT = Path(__file__).parent / "function_run_njs.js"
MODULE = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")
STORE = """const held = %s;
export default { kvs: function () { return { get: async function (key) { return held[key]; } }; } };
"""
CONFIG = """load_module %(module)s;
daemon off; master_process off; pid %(folder)s/pid; error_log %(folder)s/log;
events {}
http {
  access_log off;
  client_body_temp_path %(folder)s/t1; proxy_temp_path %(folder)s/t2;
  fastcgi_temp_path %(folder)s/t3; uwsgi_temp_path %(folder)s/t4; scgi_temp_path %(folder)s/t5;
  js_path %(folder)s; js_import run from run.js;
  server {
    listen 127.0.0.1:%(port)d;
    location / { set $place %(folder)s; js_content run.run; }
  }
}
"""


@pytest.fixture(params=ZONES)
def answers(
    request: pytest.FixtureRequest, tmp_path: Path, spare_port: Callable[[], int]
) -> Iterator[tuple[str, list[object]]]:
    """A zone, and what its function does with each of its vectors."""
    nginx, zone, port = shutil.which("nginx"), request.param, spare_port()
    if nginx is None or not MODULE.exists():
        pytest.skip("NOT TESTED: no nginx with njs (Debian: nginx, libnginx-mod-http-js)")
    function = made(facts_of(zone))
    text = function.text.replace("'cloudfront'", "'cloudfront.js'")
    (tmp_path / "function.js").write_text(f"{text}\nexport default {{ handler }};\n")
    (tmp_path / "cloudfront.js").write_text(STORE % json.dumps(function.store))
    shutil.copy(SCRIPT, tmp_path / "run.js")
    targets = [case["target"] for case in CASES if zone_of(case) == zone]
    (tmp_path / "asked.json").write_text(json.dumps({"now": NOW, "targets": targets}))
    config = CONFIG % {"module": MODULE, "folder": tmp_path, "port": port}
    (tmp_path / "nginx.conf").write_text(config)
    with (tmp_path / "told").open("wb") as told:
        process = subprocess.Popen([nginx, "-c", tmp_path / "nginx.conf"], stderr=told)
    try:
        yield zone, within(30, lambda: told_by(process, port, tmp_path), "nginx answers")
    finally:
        process.terminate()
        process.wait()


def told_by(process: subprocess.Popen[bytes], port: int, folder: Path) -> list[object]:
    assert process.poll() is None, (folder / "told").read_text()
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/", timeout=60)
    except httpx.ConnectError:
        return []
    assert answer.status_code == 200, (folder / "log").read_text()
    found: list[object] = answer.json()
    return found


def test_every_vector_has_its_verdict(answers: tuple[str, list[object]]) -> None:
    zone, seen = answers
    cases = [case for case in CASES if zone_of(case) == zone]
    wanted = [403 if case["edge"] == "refuse" else case["edge"] for case in cases]
    wrong = [
        (case["name"], found)
        for case, found, right in zip(cases, seen, wanted, strict=True)
        if found != right
    ]
    assert wrong == []
