"""SIGTERM and Ctrl-C at any moment: the documented exit code, soon, no trace, nothing lost."""

from __future__ import annotations

import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from failbot.config import DEFAULT_MODEL, MINILM
from failbot.sandbox import factory
from failbot.sandbox.server import Sandbox
from failbot.store.sqlite import SqliteStore
from tests.faults.kit import Bot
from tests.make import ANA, draft, public, viewer

HANGING_ENDED_S = 8.0
ENDED_S = 10.0  # as README promises
READY_S = 30.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)
SEED = int(os.environ.get("FAILBOT_TEST_SEED") or random.SystemRandom().randrange(10**6))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    code: int
    took_s: float
    said: str

    def is_clean(self) -> bool:
        told = ("Traceback", "terminate called", "Fatal Python error", "Exception ignored")
        return (
            self.code == 0 and self.took_s < ENDED_S and not any(one in self.said for one in told)
        )


class Process:
    """failbot as a process, everything it says in one file."""

    def __init__(self, *arguments: str, log: Path, **environment: str) -> None:
        self.log = log
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "failbot", *arguments],
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment,
                stdout=stream,
                stderr=stream,
            )
        self.wait_for(lambda: _catches_sigterm(self.pid))

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_said(self, words: str) -> None:
        self.wait_for(lambda: words in self.log.read_text())

    def stop(self, number: int, *, times: int = 1) -> Ended:
        """Sends the signal, again every tenth of a second if told to; how it ended."""
        since = time.monotonic()
        for again in range(times):
            self._process.send_signal(number)
            if again + 1 < times:
                time.sleep(0.1)
        code = self._process.wait(timeout=ENDED_S * 3)
        return Ended(code, time.monotonic() - since, self.log.read_text())

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def wait_for(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + READY_S
        while not condition():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.002)


@contextmanager
def serving(box: Sandbox, data: Path, *more: str, model: str = DEFAULT_MODEL) -> Iterator[Process]:
    """`failbot serve` against the sandbox, its handlers in place."""
    process = Process(
        "serve",
        *more,
        log=data / "log",
        FAILBOT_DATA=str(data),
        FAILBOT_MODEL=model,
        SLACK_BOT_TOKEN=box.bot_token,
        SLACK_APP_TOKEN=box.app_token,
        SLACK_SIGNING_SECRET=box.signing_secret,
        SLACK_API_URL=box.api_url,
    )
    try:
        yield process
    finally:
        process.kill()


@contextmanager
def showing(data: Path) -> Iterator[Process]:
    """`failbot demo` without a browser, its handlers in place."""
    process = Process("--data", str(data), "demo", "--no-browser", log=data / "log")
    try:
        yield process
    finally:
        process.kill()


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(rate_limits=False) as box:
        yield box


def prepared(folder: Path, models: Path) -> Path:
    """A data folder whose model is prepared."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models").symlink_to(models)
    return folder


def filled(data: Path, count: int) -> Path:
    """A memory that has everything still to embed."""
    store = SqliteStore(data / "failbot.db")
    said = [draft(f"Run {at} diverged. " + "The loss rose again. " * 40) for at in range(count)]
    now = factory.default_platform().clock.now()
    store.failures.record_many(said, place=public(factory.GENERAL), author_id=ANA, now=now)
    store.close()
    return data


def assert_whole(data: Path, count: int) -> None:
    """What was acknowledged is there, and the database is sound."""
    store = SqliteStore(data / "failbot.db")
    assert store.failures.count(viewer=viewer()) >= count
    store.check()
    store.close()


def over_http() -> tuple[str, ...]:
    """The options, with a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return ("--http", "--port", str(one.getsockname()[1]))


def trial(draw: random.Random, folder: Path, models: Path) -> tuple[str, Ended]:
    """One process of some kind, stopped at some moment in some way; what it was, how it ended."""
    kind = draw.choice(["serve", "serve unprepared", "serve embedding", "serve http", "demo"])
    number, times = draw.choice(SIGNALS), draw.choice([1, 1, 3])
    after_s = draw.uniform(0, 12 if kind == "serve unprepared" else 6)
    words = f"{kind}, {signal.Signals(number).name} x {times} after {after_s:.3f} s"
    folder.mkdir()
    data = folder if kind == "serve unprepared" else prepared(folder, models)
    with Sandbox(rate_limits=False) as box:
        if kind == "demo":
            run = showing(data)
        else:
            filled(data, 300 if kind == "serve embedding" else 1)
            run = serving(box, data, *(over_http() if kind == "serve http" else ()))
        with run as process:
            time.sleep(after_s)
            ended = process.stop(number, times=times)
    if kind != "demo":
        assert_whole(data, 300 if kind == "serve embedding" else 1)
    return words, ended


def assert_trials(count: int, models: Path) -> None:
    print(f"FAILBOT_TEST_SEED={SEED}")
    draw = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        ended = [trial(draw, Path(folder) / str(at), models) for at in range(count)]
    slowest = max(one.took_s for _, one in ended)
    print(f"{count} stopped, the slowest in {slowest:.1f} s")
    for words, one in ended:
        print(f"{words}: {one.code} in {one.took_s:.2f} s")
    assert [(words, one) for words, one in ended if not one.is_clean()] == []


def test_a_stop_at_six_random_moments_is_clean(models: Path) -> None:
    """Whatever it does just then, it ends with 0, in time, without a trace, its database whole."""
    assert_trials(6, models)


@pytest.mark.full
def test_a_stop_at_fifty_random_moments_is_clean(models: Path) -> None:
    """As above, for rarer moments."""
    assert_trials(50, models)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_stop_while_the_model_is_made_is_clean(box: Sandbox, tmp_path: Path, number: int) -> None:
    """Right after "ready", while PyTorch loads here and the export runs in a child."""
    with serving(box, tmp_path) as process:
        process.wait_said("ready")
        assert process.stop(number).is_clean(), process.log.read_text()


def test_a_stop_while_entries_are_embedded_is_clean(
    box: Sandbox, tmp_path: Path, models: Path
) -> None:
    """It ends between two parts of a batch; what is not embedded is so by the next start."""
    data = filled(prepared(tmp_path, models), 300)
    with serving(box, data) as process:
        process.wait_said("ready")
        assert process.stop(signal.SIGTERM).is_clean(), process.log.read_text()
    assert_whole(data, 300)


def test_a_stop_while_slack_does_not_answer_is_clean(tmp_path: Path, models: Path) -> None:
    """A call that hangs for minutes keeps nobody from stopping."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/api/"
        process = Process(
            "serve",
            log=tmp_path / "log",
            FAILBOT_DATA=str(prepared(tmp_path, models)),
            SLACK_BOT_TOKEN="xoxb-1",
            SLACK_APP_TOKEN="xapp-1",
            SLACK_API_URL=address,
        )
        silent.accept()  # it is calling
        ended = process.stop(signal.SIGTERM)
        process.kill()
    assert ended.is_clean(), ended


def test_a_stop_while_answers_hang_is_clean_and_soon(
    box: Sandbox, tmp_path: Path, models: Path
) -> None:
    """Slack takes nothing: within eight seconds it ends, and the next answers each, once."""
    control = box.control
    ben, data = control.as_(factory.BEN), filled(prepared(tmp_path, models), 1)
    control.hang("chat.postMessage", times=1_000)
    with serving(box, data) as process:
        process.wait_said("ready")
        asked = [ben.say(factory.GENERAL, f"@failbot why, {at}?")["ts"] for at in range(3)]
        control.wait_for(lambda: control.hanging() >= 3, timeout_s=READY_S)
        ended = process.stop(signal.SIGTERM)
    assert ended.is_clean(), ended
    assert ended.took_s < HANGING_ENDED_S, ended
    control.unhang()
    Bot(box, data).let_leases_end()
    with serving(box, data):
        for ts in asked:
            control.wait_for(lambda ts=ts: len(control.messages(factory.GENERAL, ts)) > 1, READY_S)
        control.idle()
    assert [len(control.messages(factory.GENERAL, ts)) for ts in asked] == [2, 2, 2]


def test_ctrl_c_with_a_page_open_leaves_no_trace(tmp_path: Path, models: Path) -> None:
    """A window that waits for news is answered, rather than cut off."""
    with showing(prepared(tmp_path, models)) as process:
        process.wait_said("http://")
        found = re.search(r"http://127\.0\.0\.1:(\d+)", process.log.read_text())
        assert found
        with waiting_window(int(found[1])):
            ended = process.stop(signal.SIGINT)
    assert ended.is_clean(), ended


@contextmanager
def waiting_window(port: int) -> Iterator[None]:
    """A window of the page: it asks for news, waits, and asks again, while there is a server."""
    waits = threading.Event()

    def watch() -> None:
        version = -1
        with suppress(OSError, http.client.HTTPException, ValueError):  # the server is gone
            while True:
                version = _news(port, after=version)
                waits.set()

    thread = threading.Thread(target=watch)
    thread.start()
    assert waits.wait(READY_S)
    yield
    thread.join(READY_S)
    assert not thread.is_alive()


def _news(port: int, *, after: int) -> int:
    """The version of the screen, once it is another one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_S)
    body = json.dumps({"as": factory.ADA, "after": after})
    connection.request("POST", "/page/screen", body, {"Content-Type": "application/json"})
    with closing(connection):
        return int(json.loads(connection.getresponse().read())["result"]["version"])


def test_a_killed_process_takes_its_exporter_along(box: Sandbox, tmp_path: Path) -> None:
    """kill -9 of the parent ends the child, which would use all cores for half a minute."""
    with serving(box, tmp_path, model=MINILM) as process:  # one that is exported
        parent = process.pid
        process.wait_for(lambda: _children(parent))
        child = _children(parent)[0]
        process.wait_for(lambda: _catches_sigterm(child))
    deadline = time.monotonic() + 10
    while _is_alive(child):
        assert time.monotonic() < deadline, "the exporter goes on"
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that ended just now
            found += [int(one) for one in (task / "children").read_text().split()]
    return found


def _catches_sigterm(pid: int) -> bool:
    """Whether its handler stands: before, Python itself is still starting."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def _is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
