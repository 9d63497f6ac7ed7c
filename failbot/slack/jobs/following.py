"""Entries follow their channel: whenever Slack says who may read it, and looked after meanwhile.

Slack tells of a conversion by a message that failbot is not sent. It is noticed by the next
look-up: when someone logs or asks there, when an entry of the channel is about to be shown
anywhere, and within minutes by the thread that looks at one channel after another.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from failbot.fields import as_dict, from_dict
from failbot.models import Access, Failure, Visibility
from failbot.slack.bot import Bot
from failbot.slack.calls import SLACK_FAILURES
from failbot.slack.jobs.delivery import NOTE, post
from failbot.slack.jobs.sending import SHOWN
from failbot.slack.people import CACHED_S
from failbot.slack.views.cards import followed
from failbot.store.base import Job
from failbot.threads import Stop, Worker

logger = logging.getLogger(__name__)

TELL_AUTHOR = "tell_author"

POLL_S = 5.0  # how soon what is unsure is asked about first
FIRST_S = 5.0  # and again; twice as long each time, up to LOOK_S
LOOK_S = 600.0  # how soon a conversion is noticed where nobody logs, asks or is shown anything
PACE_S = 3.0  # between two channels: Slack answers 50 such calls a minute, the rest is for people


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The payload of `TELL_AUTHOR`: which of their entries are seen otherwise now, and why."""

    user_id: str
    channel_id: str
    access: Access
    opened: tuple[str, ...]  # references of those that the workspace finds now
    closed: tuple[str, ...]  # of those that the channel's members alone do


def follow(bot: Bot, team_id: str, channel_id: str, access: Access) -> None:
    """What was written in the channel is seen as Slack now says; who wrote it will be told."""
    changed = bot.service.follow(channel_id, access, team_id=team_id)
    if changed:
        logger.info("%d entries follow %s: %s", len(changed), channel_id, access)
        bot.knock(SHOWN)  # what others were shown of those that are closed now
    by_author: dict[str, list[Failure]] = defaultdict(list)
    for failure in changed:
        if failure.author_id:  # else its author was forgotten
            by_author[failure.author_id].append(failure)
    for author_id, failures in by_author.items():
        told = Told(
            user_id=author_id,
            channel_id=channel_id,
            access=access,
            opened=_references(failures, is_open=True),
            closed=_references(failures, is_open=False),
        )
        bot.later(TELL_AUTHOR, as_dict(told), team_id=team_id, keys=[])


def tell_author(bot: Bot, job: Job) -> None:
    """A direct message to whoever wrote them; who cannot be reached is not told."""
    told = from_dict(Told, job.payload)
    message = followed(told.channel_id, told.access, opened=told.opened, closed=told.closed)
    client = bot.client_for(job.team_id)
    post(client, told.user_id, message=message, event_type=NOTE, key=f"told:{job.id}")


class Follower:
    """Looks at the channels on which it hangs who sees something; one thread."""

    def __init__(self, bot: Bot, *, clock: Callable[[], float]) -> None:
        """:param clock: monotonic seconds."""
        self._bot = bot
        self._clock = clock
        self._all_at = clock()
        self._again: dict[tuple[str, str], tuple[float, float]] = {}  # when, and the pause then

    def worker(self, stop: Stop) -> Worker:
        """The thread, not yet started."""
        return Worker("follow", self._run, stop=stop)

    def tick(self, ending: Event, *, pace_s: float = PACE_S) -> None:
        """Asks about what is unsure and due; about all else, too, when that is due."""
        now = self._clock()
        unsure = self._bot.service.followed(is_unsure=True)
        self._again = {one: it for one, it in self._again.items() if one in unsure}
        due = [one for one in unsure if self._again.get(one, (now, 0.0))[0] <= now]
        for one in due:
            pause_s = min(LOOK_S, 2 * self._again.get(one, (now, FIRST_S / 2))[1])
            self._again[one] = (now + pause_s, pause_s)
        self._look(due, ending, within_s=0.0, pace_s=pace_s)
        if now >= self._all_at:
            self._all_at = now + LOOK_S
            others = [one for one in self._bot.service.followed() if one not in unsure]
            self._look(others, ending, within_s=CACHED_S, pace_s=pace_s)

    def _run(self, ending: Event) -> None:
        while not ending.is_set():
            try:
                self.tick(ending)
            except Exception:  # one that breaks must not end the looking
                logger.exception("the channels of entries are not known")
            ending.wait(POLL_S)

    def _look(
        self,
        channels: Sequence[tuple[str, str]],
        ending: Event,
        *,
        within_s: float,
        pace_s: float,
    ) -> None:
        for at, (team_id, channel_id) in enumerate(channels):
            if ending.is_set() or (at and ending.wait(pace_s)):
                return
            try:
                self._bot.places.look(team_id, channel_id, within_s=within_s)
            except SLACK_FAILURES as error:
                logger.info("Slack did not say who reads %s: %s", channel_id, type(error).__name__)


def _references(failures: list[Failure], *, is_open: bool) -> tuple[str, ...]:
    return tuple(
        one.reference for one in failures if (one.visibility is Visibility.WORKSPACE) is is_open
    )
