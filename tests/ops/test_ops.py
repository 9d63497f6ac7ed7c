"""What whoever runs failbot asks it: health, readiness and metrics, in both modes."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from failbot.config import Config
from failbot.errors import StoreError
from failbot.ops.health import database_part, model_part, slack_part, told
from failbot.ops.metrics import Facts, Metrics, ReaderCounts
from failbot.sandbox import factory
from failbot.sandbox.server import Sandbox
from failbot.serving import serve
from failbot.store.base import Backlog
from failbot.threads import Stop
from tests.conftest import NOW
from tests.faults.test_stop import Process
from tests.slack.conftest import config_for

CLIENT = httpx.Client(verify=False)  # plain HTTP on loopback; loading certificates takes 30 ms
QUESTION = "the canary loss became NaN"


@pytest.fixture(scope="module", autouse=True)
def _closed_at_the_end() -> Iterator[None]:
    yield
    CLIENT.close()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(rate_limits=False) as box:
        yield box


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def serving(config: Config, *, http: bool = False) -> Iterator[None]:
    """The whole bot, until the block is left."""
    stop, ready = Stop(), threading.Event()
    run = {"stop": stop, "http": http, "on_ready": ready.set}
    thread = threading.Thread(target=serve, args=(config,), kwargs=run)
    thread.start()
    try:
        assert ready.wait(10)
        yield
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive()


def asked(port: int, path: str) -> tuple[int, Any]:
    answer = CLIENT.get(f"http://127.0.0.1:{port}{path}")
    return answer.status_code, answer.json()


def samples(port: int) -> dict[str, float]:
    """What Prometheus would keep, by name and labels."""
    text = CLIENT.get(f"http://127.0.0.1:{port}/metrics").text
    lines = [one.rpartition(" ") for one in text.splitlines() if not one.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_socket_mode_tells_how_it_is(box: Sandbox, tmp_path: Path) -> None:
    """A question is counted with its verdict, its ack and its job; the connection has an age."""
    port = free_port()
    with serving(config_for(box, tmp_path, ops_address=f"127.0.0.1:{port}")):
        ben = box.control.as_(factory.BEN)
        ts = ben.say(factory.GENERAL, f"@failbot {QUESTION}")["ts"]
        box.control.wait_for(lambda: ben.messages(factory.GENERAL, ts)[1:], timeout_s=20)
        assert asked(port, "/healthz") == (200, {"ok": True, "database": "ok"})
        ready = {"ok": True, "database": "ok", "model": "ok", "slack": "ok"}
        assert asked(port, "/readyz") == (200, ready)
        found = samples(port)
        assert found['failbot_answers_total{verdict="unknown"}'] == 1
        assert found['failbot_ack_seconds_count{kind="event",status="200"}'] >= 1
        assert found['failbot_model_loaded{model="failbot-minilm-1"}'] == 1
        assert found["failbot_inbox_jobs"] == 0
        assert found["failbot_socket_age_seconds"] > 0
        assert found["failbot_scrape_failures"] == 0
        assert QUESTION not in str(found)


def test_a_lost_connection_is_not_ready(box: Sandbox, tmp_path: Path) -> None:
    """Until there is another."""
    port = free_port()
    with serving(config_for(box, tmp_path, ops_address=str(port))):
        box.control.wait_connected()
        box.control.fail_api("apps.connections.open", "internal_error", times=99)
        box.control.cut_sockets()
        until = time.monotonic() + 10
        while asked(port, "/readyz")[0] == 200:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert asked(port, "/readyz")[1]["slack"] == "is not connected"
        assert asked(port, "/healthz")[0] == 200


def test_http_mode_tells_health_beside_events_and_metrics_elsewhere(
    box: Sandbox, tmp_path: Path
) -> None:
    """The port for Slack may be the world's: it gives no figures."""
    port, ops = free_port(), free_port()
    config = config_for(box, tmp_path, port=port, ops_address=f"127.0.0.1:{ops}")
    with serving(config, http=True):
        assert asked(port, "/healthz")[0] == 200
        assert asked(port, "/readyz")[1]["slack"] == "ok"
        assert CLIENT.get(f"http://127.0.0.1:{port}/metrics").status_code == 404
        assert "failbot_inbox_jobs" in samples(ops)
        assert "failbot_socket_age_seconds" not in samples(ops)


def test_no_port_is_opened_unless_it_is_set(tmp_path: Path) -> None:
    """Nothing listens in Socket Mode by itself."""
    assert Config(data_folder=tmp_path).ops is None
    assert Config(data_folder=tmp_path, ops_address="9090").ops == ("127.0.0.1", 9090)
    assert Config(data_folder=tmp_path, ops_address="[::1]:9090").ops == ("::1", 9090)


def test_a_model_that_is_not_there_is_told_to_the_admin_alone(box: Sandbox, tmp_path: Path) -> None:
    """The question is answered by words, without the path; log and readiness say what is wrong.

    The log is JSON, of ids, counts and durations: of the question there is nothing in it.
    """
    port = free_port()
    process = Process(
        "serve",
        log=tmp_path / "log",
        FAILBOT_DATA=str(tmp_path),
        FAILBOT_MODEL="/nowhere/at/all",
        FAILBOT_LOG="json",
        FAILBOT_OPS_ADDRESS=str(port),
        SLACK_BOT_TOKEN=box.bot_token,
        SLACK_APP_TOKEN=box.app_token,
        SLACK_API_URL=box.api_url,
    )
    try:
        process.wait_said("ready")
        ben = box.control.as_(factory.BEN)
        ts = ben.say(factory.GENERAL, f"@failbot {QUESTION}")["ts"]
        answer = box.control.wait_for(lambda: ben.messages(factory.GENERAL, ts)[1:], timeout_s=20)
        code, ready = asked(port, "/readyz")
        process.wait_said('"outcome": "done"')
        loaded = samples(port)['failbot_model_loaded{model="all"}']
    finally:
        process.kill()
    assert "only words were compared" in str(answer)
    assert "nowhere" not in str(box.control.calls())
    assert (code, "answers go by words" in ready["model"], loaded) == (503, True, 0)
    assert "nowhere" not in str(ready)
    log = (tmp_path / "log").read_text()
    lines = [json.loads(one) for one in log.splitlines() if one.startswith("{")]
    assert [one for one in lines if "/nowhere/at/all" in one["message"]]
    done = next(one for one in lines if one.get("outcome") == "done")
    assert done["kind"] == "question"
    assert done["duration_ms"] > 0
    assert "canary" not in log


def test_each_part_says_what_is_wrong() -> None:
    """In words, without a path: the port may be the world's."""

    def broken() -> None:
        raise StoreError("/srv/failbot.db: disk I/O error")

    parts = {
        "database": database_part(broken),
        "model": model_part(has_failed=lambda: True),
        "slack": slack_part(refusal=lambda: "token_revoked", is_connected=lambda: True),
    }
    is_well, words = told(parts)
    assert (is_well, words["ok"]) == (False, False)
    assert "/srv" not in str(words)
    assert "failbot doctor" in str(words["slack"])


def test_metrics_tell_what_waits_and_what_a_language_model_was_used() -> None:
    """Ages in seconds; what cannot be looked up is left out and counted."""

    def broken() -> None:
        raise StoreError("locked")

    metrics = Metrics()
    counts = ReaderCounts(calls=9, failed=2, refused=1, prompt_tokens=100, completion_tokens=30)
    backlog = Backlog(waiting=3, oldest_at=NOW, due_at=NOW, given_up=4)
    metrics.look_at(
        Facts(
            now=lambda: NOW.replace(minute=1),
            backlog=lambda: backlog,
            last_digest_at=broken,  # type: ignore[arg-type]
            model=lambda: ("m", False),
            line_age_s=lambda: None,
            reader=lambda: counts,
        )
    )
    text = metrics.text().decode()
    for line in (
        "failbot_inbox_jobs 3.0",
        "failbot_given_up_jobs 4.0",
        "failbot_inbox_oldest_seconds 60.0",
        "failbot_inbox_lag_seconds 60.0",
        'failbot_model_loaded{model="m"} 0.0',
        'failbot_reader_calls_total{outcome="done"} 7.0',
        'failbot_reader_calls_total{outcome="failed"} 2.0',
        'failbot_reader_tokens_total{part="prompt"} 100.0',
        'failbot_answers_total{verdict="known"} 0.0',
        "failbot_scrape_failures 1.0",
    ):
        assert re.search(f"^{re.escape(line)}$", text, re.MULTILINE), line
    assert "failbot_last_digest" not in text
