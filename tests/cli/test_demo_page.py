"""`failbot demo` with its page, as a process: it says where it is, and ends when interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.conftest import ROOT, Terminal


@contextmanager
def running(terminal: Terminal, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and the page's address; killed if it does not end by itself."""
    command = ["--data", str(terminal.data), "demo", "--no-browser", *options]
    process = subprocess.Popen(
        [sys.executable, "-m", "failbot", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        found = (re.search(r"http://127\.0\.0\.1:\d+/", line) for line in lines)
        yield process, next(match[0] for match in found if match)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def act(url: str, verb: str, **arguments: str) -> object:
    """Do something as a person."""
    body = json.dumps(arguments).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}control/{verb}", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["result"]


def test_page_is_served_and_ends_when_interrupted(terminal: Terminal) -> None:
    """What was said is there the next time; Ctrl-C ends it with exit code 0 and no trace."""
    with running(terminal) as (process, url):
        with urllib.request.urlopen(url, timeout=10) as page:
            assert b"app.js" in page.read()
        act(url, "say", **{"as": "U0ADA000001", "channel_id": "C0GENERAL01", "text": "kept?"})
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        assert (process.returncode, "Traceback" in out) == (0, False)
        assert f"kept in {terminal.data}" in out
    with running(terminal) as (process, url):
        seen = act(url, "messages", **{"as": "U0BEN000001", "channel_id": "C0GENERAL01"})
        assert "kept?" in json.dumps(seen)


def test_taken_port_is_said(terminal: Terminal) -> None:
    """With another way to go."""
    with running(terminal) as (_, url):
        port = url.rstrip("/").rpartition(":")[2]
        other = Terminal(terminal.data, terminal.environment)
        done = other.run("--data", str(terminal.data), "demo", "--no-browser", "--port", port)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "--port" in done.stderr
