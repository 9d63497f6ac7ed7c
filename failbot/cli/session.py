"""What a command works with: settings, the opened memory, on whose behalf."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from failbot.cli import output
from failbot.config import LOCAL_TEAM_ID, Config
from failbot.errors import InputError, ModelError
from failbot.fields import TEXT_LIMIT
from failbot.models import Place, Viewer, Visibility, parse_reference
from failbot.text import clean

if TYPE_CHECKING:
    from failbot.bootstrap import Runtime
    from failbot.memory.service import Service
    from failbot.threads import Stop

SCRUB_S = 5.0  # how long another reader of the database is waited for
READ_LIMIT = 4 * TEXT_LIMIT * 4  # bytes of standard input: several texts in UTF-8


@dataclass(frozen=True, slots=True)
class Session:
    """The global options; settings are read when a command first needs them."""

    data: str
    team: str
    is_data_typed: bool = False  # on the command line, rather than set in the environment

    def config(self) -> Config:
        """:raises ConfigError: naming every malformed setting."""
        return Config.from_env(self.environment(os.environ))

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """The environment with the global options in it: an option wins."""
        given = {"FAILBOT_DATA": self.data, "FAILBOT_TEAM_ID": self.team}
        return {**base, **{name: text for name, text in given.items() if text}}

    @contextmanager
    def memory(self, *, everything: bool = False, keeps_model: bool = True) -> Iterator[Memory]:
        """The opened memory, closed at the end. See `open_runtime` for `keeps_model`.

        :raises FailbotError: if it cannot be opened.
        """
        from failbot.bootstrap import open_runtime

        config = self.config()
        with open_runtime(config, keeps_model=keeps_model) as runtime:
            team_id = which_team(config.team_id, runtime.store.failures.teams())
            viewer = Viewer(team_id=team_id, user_id=login(), is_operator=everything)
            yield Memory(runtime=runtime, viewer=viewer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One workspace's memory, and the viewer at the terminal."""

    runtime: Runtime
    viewer: Viewer

    @property
    def service(self) -> Service:
        return self.runtime.service

    def embed_new(self) -> None:
        """Takes in what was written without the model: whoever logs never waits for it.

        :raises ModelError: the model cannot be used.
        """
        prepare_model(self.runtime.config)
        with output.progress("Embedding") as progress:
            self.service.embed_missing(progress)

    def scrub(self) -> bool:
        """Whether what was erased is out of the database's files; said where it is not."""
        is_clean = self.service.erasing.scrub(patience_s=SCRUB_S)
        if not is_clean:
            output.warn(
                "what was deleted is still in the database's files, for another program is "
                "reading. A serving bot takes it out as soon as it can; else run `failbot prune`."
            )
        return is_clean

    @property
    def place(self) -> Place:
        """The terminal is a public place: what is logged there is the workspace's."""
        return Place(team_id=self.viewer.team_id, channel_id="", visibility=Visibility.WORKSPACE)


pass_session = click.make_pass_decorator(Session)


def prepare_model(config: Config, *, stop: Stop | None = None) -> None:
    """Makes the model's fast form, once; a model without one works all the same, starting slower.

    :raises ModelError: there is no such model. :raises StoppedError: `stop` was set meanwhile.
    """
    from failbot.encoder.export import export_in_subprocess, wants_export
    from failbot.encoder.onnx import exported_folder
    from failbot.encoder.weights import find_weights

    weights = find_weights(config.model, data_folder=config.data_folder)
    if exported_folder(weights, data_folder=config.data_folder).is_dir():
        return  # whether it is sound is seen when it is loaded
    if not wants_export(config.model, config.data_folder):
        return
    try:
        with output.waiting("Preparing the model, once (about 20 seconds)"):
            export_in_subprocess(config.model, config.data_folder, stop=stop)
    except ModelError as error:
        output.warn(f"{error} Every start takes some seconds longer.")


def which_team(wanted: str, teams: list[str]) -> str:
    """The workspace that was named, else the only one, else the one before any Slack.

    :raises InputError: several, and none was named.
    """
    if wanted:
        return wanted
    if len(teams) > 1:
        raise InputError(
            f"the data holds several workspaces ({', '.join(teams)}): put --team ID before the "
            "command, or set FAILBOT_TEAM_ID"
        )
    return teams[0] if teams else LOCAL_TEAM_ID


def login() -> str:
    """Who writes from this terminal; never a Slack user's id."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user may have no name
        return "cli:unknown"


def now() -> datetime:
    """The time, read at the edge only."""
    return datetime.now(UTC)


def number_of(reference: str) -> int:
    """The number in F-12. :raises InputError: there is none."""
    number = parse_reference(reference)
    if number is None:
        raise InputError(f"{reference!r} is no entry's number; write it as F-12")
    return number


def read_input(what: str) -> str:
    """Standard input as text. :raises InputError: nothing, too much, or not UTF-8."""
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(f"no {what} given: type it after the command, or pipe it in")
    raw = sys.stdin.buffer.read(READ_LIMIT + 1)
    if len(raw) > READ_LIMIT:
        raise InputError(f"standard input is longer than {READ_LIMIT:,} bytes")
    try:
        text = clean(raw.decode("utf-8-sig")).strip()
    except UnicodeDecodeError as error:
        raise InputError(f"standard input is not UTF-8 (byte {error.start + 1})") from error
    if not text:
        raise InputError(f"no {what} on standard input")
    return text
