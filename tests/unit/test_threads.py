"""Threads have one owner: they are named, told to end and waited for."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from failbot import threads
from failbot.encoder.loading import Loading
from failbot.errors import ModelError, StoppedError
from failbot.stopping import serves
from failbot.threads import Backoff, Pool, Stop, Worker

ROOT = Path(__file__).parents[2] / "failbot"


def test_only_one_module_makes_threads() -> None:
    """A thread that is made elsewhere is one that nobody joins; the sandbox stands alone."""
    makes = re.compile(r"\b(?:Thread|Timer|ThreadPoolExecutor)\(")
    found = {
        str(file.relative_to(ROOT))
        for file in ROOT.rglob("*.py")
        if file.relative_to(ROOT).parts[0] != "sandbox" and makes.search(file.read_text("utf-8"))
    }
    assert found == {"threads.py"}


def test_a_worker_is_told_woken_and_joined() -> None:
    """After `close` the thread is gone."""
    woken = threading.Event()

    def work(ending: threading.Event) -> None:
        while not ending.is_set():
            woken.wait()

    worker = Worker("test", work, stop=Stop(), wake=woken.set).start()
    assert worker.close()
    assert not worker.is_running
    assert "failbot-test" not in [one.name for one in threading.enumerate()]


def test_what_a_worker_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the thread's name, and nothing is printed past the log."""
    worker = Worker("test", lambda _: 1 / 0, stop=Stop()).start()
    worker.close()
    assert "failbot-test broke" in caplog.text


def test_the_end_is_waited_for_within_the_processs_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Several stuck threads together take no longer than one."""
    monkeypatch.setattr(threads, "CLOSING_S", 0.05)
    stop, release = Stop(), threading.Event()
    workers = [Worker(f"{at}", lambda _: release.wait(), stop=stop).start() for at in range(3)]
    stop.set()
    with caplog.at_level(logging.INFO, logger="failbot"):  # a command may have set it higher
        assert [one.close() for one in workers] == [False] * 3
    assert stop.left_s() == 0
    assert "failbot-0 has not ended in time" in caplog.text
    release.set()


def test_a_pool_finishes_what_was_begun() -> None:
    """What was handed in is done, and nothing more is taken."""
    pool, begun = Pool(2, name="test", stop=Stop()), threading.Event()
    futures = [pool.submit(begun.wait) for _ in range(5)]
    begun.set()
    assert pool.close()
    assert all(one.result() for one in futures)
    with pytest.raises(RuntimeError):
        pool.submit(begun.wait)


def test_a_load_is_waited_for_by_all_and_made_once() -> None:
    """Nobody gets it before it is there, and patience ends."""
    release, made = threading.Event(), []
    loading = Loading("test", lambda: made.append(release.wait()) or 7, stop=Stop(), fault="-")
    assert (loading.wait(0.01), loading.is_ready) == (None, False)
    release.set()
    assert (loading.wait(None), loading.wait(None), len(made)) == (7, 7, 1)


def test_a_load_that_fails_tells_everyone_who_waits(caplog: pytest.LogCaptureFixture) -> None:
    """And the log once."""

    def load() -> int:
        raise ModelError("there is none")

    loading = Loading("test", load, stop=Stop(), fault="no such model")
    for _ in range(2):
        with pytest.raises(ModelError, match="there is none"):
            loading.wait(None)
    assert caplog.text.count("no such model: there is none") == 1


def test_whoever_waits_for_a_load_hears_that_the_process_stops() -> None:
    """Instead of waiting for a model that nobody needs any more; none is begun after that."""
    stop, release = Stop(), threading.Event()
    loading = Loading("test", release.wait, stop=stop, fault="-")
    loading.start()
    stop.set()
    with pytest.raises(StoppedError):
        loading.wait(None)
    release.set()
    loading.close()
    with pytest.raises(StoppedError):
        Loading("test", lambda: 7, stop=stop, fault="-").wait(None)


def test_pauses_double_up_to_a_limit_and_differ() -> None:
    """Between half and all of 1, 2, 4 and so on; `reset` begins again."""
    lowest, highest = (
        Backoff(first_s=1, longest_s=5, draw=lambda share=share: share) for share in (0.0, 1.0)
    )
    assert [lowest.next_s() for _ in range(4)] == [0.5, 1, 2, 2.5]
    assert [highest.next_s() for _ in range(4)] == [1, 2, 4, 5]
    highest.reset()
    assert (highest.is_fresh, highest.next_s(), highest.is_fresh) == (True, 1, False)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("serve --http", True),
        ("--data serve demo --fresh", True),
        ("--data serve list", False),
        ("--debug log --tried serve", False),
        ("--data=x serve", True),
        ("", False),
    ],
)
def test_commands_that_serve_are_known_before_anything_is_imported(
    line: str, expected: bool
) -> None:
    """The command is the first word that is neither an option nor an option's."""
    assert serves(line.split()) is expected


LEAVING = """
import sys, threading
from failbot.stopping import leave
threading.Thread(target=threading.Event().wait, daemon=sys.argv[1] == "daemon").start()
print("said", flush=False)
leave(3)
"""


@pytest.mark.parametrize("kind", ["daemon", "other"])
def test_leaving_does_not_wait_for_a_thread_that_is_stuck(kind: str) -> None:
    """The code is kept, and what was said is out."""
    command = [sys.executable, "-c", LEAVING, kind]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=20, cwd=ROOT.parent, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "")
