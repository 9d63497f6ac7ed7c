"""`serve`, `manifest`, `demo`: failbot in Slack, and a look at it without."""

from __future__ import annotations

import json
import shlex
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from failbot.cli import output
from failbot.cli.session import Session, now, pass_session, prepare_model
from failbot.config import LOCAL_TEAM_ID, Config
from failbot.models import Answer, Digest, Failure, Place
from failbot.text import clean

if TYPE_CHECKING:
    from failbot.memory.service import Service
    from failbot.threads import Stop


@click.command()
@click.option("--http", is_flag=True, help="Serve HTTP instead of Socket Mode.")
@click.option("--host", help="[env: FAILBOT_HOST; default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="[env: FAILBOT_PORT; default: 3000]")
@pass_session
def serve(session: Session, http: bool, host: str | None, port: int | None) -> None:
    """Run the Slack bot, until interrupted: by Ctrl-C or SIGTERM, which is no failure.

    Socket Mode needs SLACK_BOT_TOKEN and SLACK_APP_TOKEN; --http needs SLACK_BOT_TOKEN and
    SLACK_SIGNING_SECRET.
    """
    from failbot.stopping import stop_on_signals

    stop = stop_on_signals()  # before the imports, which take a second
    from failbot import logs
    from failbot.serving import serve as run

    config = session.config()
    config = replace(config, host=host or config.host, port=port or config.port)
    logs.set_up(style=config.log, level=config.log_level)
    ready = "http" if http else "socket mode"
    run(config, http=http, stop=stop, on_ready=lambda: output.note(f"ready ({ready})"))


@click.command()
@click.option("--http", "url", metavar="URL", default="", help="Where Slack reaches your server.")
@click.option("--name", default="failbot", show_default=True, help="What the bot is called.")
def manifest(url: str, name: str) -> None:
    """Print the app manifest, to paste at api.slack.com/apps: Create New App, From a manifest."""
    from failbot.slack.manifest import manifest as made

    click.echo(json.dumps(made(name=name, request_url=url), indent=2))


@click.command()
@click.option("--script", is_flag=True, help="Play a conversation in the terminal instead.")
@click.option("--port", type=click.IntRange(1, 65535), help="The page's; default: any free one.")
@click.option("--no-browser", is_flag=True, help="Only say where the page is.")
@click.option("--fresh", is_flag=True, help="Start over, without what was logged there before.")
@pass_session
def demo(session: Session, script: bool, port: int | None, no_browser: bool, fresh: bool) -> None:
    """Try failbot in a small Slack in the browser, on this machine; needs no account.

    Loads the sample memory into a folder of its own, which it names: --data, or else `demo` in
    the data folder. Interrupt it to end it; the data stays.
    """
    from failbot.stopping import stop_on_signals

    stop = stop_on_signals()
    from failbot.demo import script as play

    config = session.config()
    if not session.is_data_typed:
        config = replace(config, data_folder=config.data_folder / "demo")
    config = replace(config, team_id="")
    play.prepare_folder(config.data_folder, fresh=fresh)
    prepare_model(config, stop=stop)
    if script:
        _play(config, stop=stop)
    else:
        _show_page(config, port=port or 0, opens_browser=not no_browser, stop=stop)


@contextmanager
def _sample_memory(config: Config, *, team_id: str, stop: Stop) -> Iterator[tuple[Service, Place]]:
    """The demo's memory with the samples in it, and where they are; `team_id` if it is new.

    :raises StoppedError: `stop` was set meanwhile.
    """
    from failbot.bootstrap import open_runtime
    from failbot.demo import script as play

    with open_runtime(config, stop=stop) as runtime:
        teams = runtime.store.failures.teams()
        place = play.place_in(teams[0] if teams else team_id)
        with output.progress("Loading the sample memory") as progress:
            new, total = play.load_samples(
                runtime.service, place=place, now=now(), progress=progress
            )
        known = "" if new else " (they were there already)"
        click.echo(f"The memory holds {total} sample failures{known}: {config.data_folder}")
        yield runtime.service, place


def _play(config: Config, *, stop: Stop) -> None:
    from failbot.demo import script as play

    with _sample_memory(config, team_id=LOCAL_TEAM_ID, stop=stop) as (service, place):
        for turn in play.conversation(service, place=place, now=now()):
            _tell(turn.who, turn.says, turn.reply)
    _what_next(config.data_folder)


def _show_page(config: Config, *, port: int, opens_browser: bool, stop: Stop) -> None:
    from failbot.demo.live import run_live
    from failbot.sandbox.factory import TEAM_ID

    with _sample_memory(config, team_id=TEAM_ID, stop=stop):
        pass

    def on_ready(url: str) -> None:
        click.echo(f"failbot is in a small Slack at {url}/ (Ctrl-C ends it)")
        if opens_browser:
            webbrowser.open(f"{url}/")

    run_live(config, port=port, stop=stop, on_ready=on_ready)
    click.echo(f"\nEnded; everything is kept in {config.data_folder}")


def _tell(who: str, says: str, reply: Failure | Answer | Digest) -> None:
    click.echo()
    if who:
        verb = "logs" if isinstance(reply, Failure) else "asks"
        click.secho(f"{who} {verb}:", fg="cyan", bold=True)
        click.echo(output.paragraph(says, indent="  "))
        click.echo()
    click.secho("failbot:", fg="green", bold=True)
    if isinstance(reply, Failure):
        click.echo(f"Recorded as {reply.reference}: {clean(reply.name)}")
    elif isinstance(reply, Answer):
        output.show_answer(reply, limit=2)
    else:
        output.show_digest(reply)


def _what_next(folder: Path) -> None:
    command = f"failbot --data {shlex.quote(str(folder))}"
    click.echo()
    click.secho("Your turn:", bold=True)
    click.echo(f'  {command} ask "the loss is fine in training, but useless in production"')
    click.echo(f"  {command} log")
    click.echo(f"  {command} list")


COMMANDS = (serve, manifest, demo)
