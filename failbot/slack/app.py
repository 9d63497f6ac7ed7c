"""The Bolt app and what stands behind it: clients, workers, the bot's own identity, its errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from failbot.config import Config
from failbot.errors import ConfigError, StoreError
from failbot.memory.service import Service
from failbot.observer import Observer, Unobserved
from failbot.slack.bot import Bot, Identity
from failbot.slack.changes import heed_changes
from failbot.slack.intake import stored_first
from failbot.slack.jobs.delivery import error_code, is_final
from failbot.slack.jobs.following import Follower, follow
from failbot.slack.jobs.handlers import apologize
from failbot.slack.jobs.kinds import HANDLERS
from failbot.slack.jobs.retracting import retracting
from failbot.slack.jobs.sending import SHOWN
from failbot.slack.jobs.worker import Bells, Workers
from failbot.slack.listeners import Listeners
from failbot.slack.places import SLACK_FAILURES, Places
from failbot.slack.refusals import explain
from failbot.store.base import Store
from failbot.threads import Pool, Stop, Worker

logger = logging.getLogger(__name__)

CALL_TIMEOUT_S = 10
LOOKUP_TIMEOUT_S = 2  # a form's place is looked up within the 3 s in which Slack wants its ack
LONGEST_PAUSE_S = 60.0
ABANDONED_S = 1.0  # how long the end waits for a call whose answer nobody needs any more
LISTENERS = 10  # as many as there are requests at the same time

# Bolt and the SDK write message text at INFO and DEBUG: a rejected body, an event, a payload.
SDK_LOGGERS = ("slack_bolt", "slack_sdk", "websockets")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSide:
    """The Slack side: `app` takes requests, `bot` acts, `workers` answer."""

    app: App
    bot: Bot
    client: WebClient
    workers: Workers
    retracting: Worker
    follower: Follower
    identity: Identity
    listeners: Pool
    stop: Stop
    observer: Observer

    @contextmanager
    def running(self, *, on_team: Callable[[str], None] = lambda _: None) -> Iterator[SlackSide]:
        """Answers while the block runs, and asks Slack who the bot is.

        At the end the workers finish what they hold.
        :param on_team: told the workspace's id as soon as it is known.
        """
        introducing = Worker(
            "introduce",
            lambda ending: introduce(self.client, self.identity, stop=ending, on_team=on_team),
            stop=self.stop,
            patience_s=ABANDONED_S,
        )
        with ExitStack() as closing:
            follower = self.follower.worker(self.stop)
            parts = (self.bot.places, follower, self.workers, self.retracting, introducing)
            for part in (*parts, self.listeners):
                closing.callback(part.close)
            self.workers.start()
            self.retracting.start()
            follower.start()
            introducing.start()
            yield self


def sending_client(config: Config, *, timeout_s: int = CALL_TIMEOUT_S) -> WebClient:
    """A client that never repeats a call by itself: its caller knows whether that is safe."""
    return WebClient(
        config.slack_bot_token,
        base_url=config.slack_api_url,
        timeout=timeout_s,
        retry_handlers=[],
        logger=_sdk_logger(),
    )


def build(
    config: Config,
    service: Service,
    store: Store,
    *,
    stop: Stop,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
    observer: Observer | None = None,
) -> SlackSide:
    """The Slack side, not yet started; calls nothing.

    :param clock: monotonic seconds, for how long what Slack said is believed.
    """
    quiet_sdk()
    bells = Bells(others=[SHOWN])
    identity = Identity()
    lookups = sending_client(config, timeout_s=LOOKUP_TIMEOUT_S)
    client = sending_client(config)  # for one workspace, whose token it holds
    places = Places(lookups, service, clock=clock, stop=stop, patient=client)
    bot = Bot(
        service=service,
        inbox=store.inbox,
        outbox=store.outbox,
        shown=store.shown,
        places=places,
        client_for=lambda _: client,
        now=now,
        knock=bells.knock,
        identity=identity,
    )
    places.when_told = partial(follow, bot)
    observer = observer or Unobserved()
    listeners = Pool(LISTENERS, name="listener", stop=stop)
    return SlackSide(
        app=build_app(config, bot, identity, listeners=listeners),
        bot=bot,
        client=client,
        workers=Workers(
            bot, HANDLERS, apologize=apologize, bells=bells, stop=stop, observer=observer
        ),
        retracting=retracting(bot, bell=bells[SHOWN], stop=stop),
        follower=Follower(bot, clock=clock),
        identity=identity,
        listeners=listeners,
        stop=stop,
        observer=observer,
    )


def build_app(config: Config, bot: Bot, identity: Identity, *, listeners: Executor) -> App:
    """The Bolt app with every listener. :raises ConfigError: Bolt would read other settings."""
    sdk = _sdk_logger()
    # Bolt finds SLACK_BOT_TOKEN by itself, and would warn at every start that it is not used.
    sdk.setLevel(logging.ERROR)
    app = App(
        name=sdk.name,  # Bolt sets the level of the logger that is called like the app
        logger=sdk,
        # A client without token, and `authorize` below: else Bolt asks Slack who it is during the
        # first request, and answers none while Slack does not.
        client=WebClient(base_url=config.slack_api_url, logger=sdk),
        signing_secret=config.slack_signing_secret,
        authorize=_authorize(config, identity),
        token_verification_enabled=False,
        listener_executor=listeners,
    )
    sdk.setLevel(logging.WARNING)
    if app.oauth_flow is not None:
        raise ConfigError(
            "failbot is for one workspace: unset SLACK_CLIENT_ID, SLACK_CLIENT_SECRET"
        )
    app.use(heed_changes(bot))
    app.use(stored_first(bot))
    Listeners(bot).register(app)
    app.error(_error_handler(bot))
    return app


def introduce(
    client: WebClient, identity: Identity, *, stop: Event, on_team: Callable[[str], None]
) -> None:
    """Asks Slack who the bot is, and tells `on_team`, until both worked or the token is refused."""
    pause_s = 1.0
    while not stop.is_set():
        try:
            answer = client.auth_test()
            identity.team_id = str(answer.get("team_id") or "")
            identity.user_id = str(answer.get("user_id") or "")
            identity.bot_id = str(answer.get("bot_id") or "")
            identity.refusal = ""
            on_team(identity.team_id)
        except (*SLACK_FAILURES, StoreError) as error:
            if is_final(error):
                identity.refusal = error_code(error)
                logger.error("Slack refuses the bot token (%s): failbot doctor", error_code(error))
                return
            stop.wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        else:
            return


def quiet_sdk() -> None:
    """Keeps message text and tokens out of the log, whatever level failbot's own log has."""
    for name in SDK_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _sdk_logger() -> logging.Logger:
    logger = logging.getLogger("slack_bolt.failbot")
    logger.setLevel(logging.WARNING)  # Bolt asks the level of this very logger
    return logger


def _authorize(config: Config, identity: Identity) -> Callable[..., AuthorizeResult]:
    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team_id,
            bot_token=config.slack_bot_token,
            bot_id=identity.bot_id or None,
            bot_user_id=identity.user_id or None,
        )

    return authorize


def _error_handler(bot: Bot) -> Callable[..., BoltResponse]:
    """For what is raised outside a listener, which explains its own: Slack may try again."""

    def handle(error: Exception, body: dict[str, Any], context: BoltContext) -> BoltResponse:
        explain(bot, error, body=body, ack=context.ack)
        return BoltResponse(status=503)

    return handle
