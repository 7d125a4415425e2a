"""A Prometheus for the tests: a real server on a free loopback port, stopped at the end; and its ``promtool``."""

import json
import shutil
import subprocess
import time
from contextlib import closing, contextmanager

import httpx
import pytest
import yaml

from tests.docs.newcomer import free_port

MISSING = "Prometheus is not installed: alarms and dashboard cannot be tested (Debian package prometheus)"
READY = "Server is ready to receive web requests"
PATIENCE_SECONDS = 120
EVERY = "500ms"


def promtool(*arguments):
    """Run ``promtool``; return whether it succeeded, and what it wrote."""
    if shutil.which("promtool") is None:
        pytest.skip(MISSING)
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    return done.returncode == 0, done.stdout + done.stderr


class Prometheus:
    """A server that scrapes one target, and evaluates rules, twice a second."""

    def __init__(self, port):
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False)

    def close(self):
        self._client.close()

    def query(self, expression):
        """Return the result of an instant query; fail where Prometheus refuses it."""
        answer = self._client.get("/query", params={"query": expression}).json()
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        return answer["data"]["result"]

    def names(self):
        """Return the names of all series."""
        return set(self._client.get("/label/__name__/values").json()["data"])

    def firing(self):
        """Return the names of the alarms that fire now."""
        alerts = self._client.get("/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def until(self, condition, do=lambda: None):
        """Wait until ``condition()`` is true, and call ``do()`` before each look."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            do()
            if condition():
                return
            assert time.monotonic() < deadline, f"firing: {self.firing()}"
            time.sleep(0.2)  # between two looks, not in place of one


@contextmanager
def prometheus_server(folder, target, rules):
    """Start Prometheus with these rules, wait until it is ready, and yield it. ``target``: host and port to scrape."""
    if shutil.which("prometheus") is None:
        pytest.skip(MISSING)
    port = free_port()
    (folder / "rules.yml").write_text(json.dumps(rules))  # JSON is YAML
    config = {
        "global": {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY},
        "rule_files": ["rules.yml"],
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    log = []
    try:
        for line in program.stderr:
            log.append(line)
            if READY in line:
                break
        else:
            pytest.fail("".join(log))
        with closing(Prometheus(port)) as server:
            yield server
    finally:
        program.terminate()
        program.wait()
        program.stderr.close()
