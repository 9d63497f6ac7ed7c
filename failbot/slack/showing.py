"""What is about to be shown, as of now: its channels are asked for first.

What was written in a public channel is everyone's; once that is private it is its members'. Slack
does not tell of it, so that whatever shows entries asks who may read their channels, and reads
them again where one has closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from failbot.models import Answer, Digest, Failure, Visibility
from failbot.slack.bot import Bot

T = TypeVar("T")


def as_of_now(
    bot: Bot, team_id: str, read: Callable[[], T], channels: Callable[[T], Iterable[str]]
) -> T:
    """What `read` gives once none of its channels is closed to the workspace.

    :param channels: those because of which something in it is the workspace's.
    :raises SlackApiError: and what a dropped line raises: nothing is shown on a guess.
    """
    while True:
        found = read()
        if not bot.places.closed(team_id, sorted(set(channels(found)))):
            return found


def listed(bot: Bot, team_id: str, read: Callable[[], list[Failure]]) -> list[Failure]:
    """The failures, as of now."""
    return as_of_now(bot, team_id, read, _channels)


def shown(bot: Bot, team_id: str, read: Callable[[], Failure]) -> Failure:
    """The failure, as of now. Raises what `read` raises once it is not to be seen any more."""
    return as_of_now(bot, team_id, read, lambda one: _channels([one]))


def answered(bot: Bot, team_id: str, ask: Callable[[], Answer]) -> Answer:
    """The answer, as of now, as far as it is shown."""
    return as_of_now(bot, team_id, ask, _channels_of_answer)


def digested(bot: Bot, team_id: str, make: Callable[[], Digest]) -> Digest:
    """The digest, as of now: the failures and the questions in it."""
    return as_of_now(bot, team_id, make, _channels_of_digest)


def failures_in(digest: Digest) -> list[Failure]:
    """Those that are told of by name."""
    return [*digest.lessons, *(digest.pattern.failures if digest.pattern else ())]


def _channels_of_answer(answer: Answer) -> Iterable[str]:
    weak = answer.weak()
    hits = [*answer.shown(), *([weak] if weak else [])]
    return _channels(hit.failure for hit in hits)


def _channels_of_digest(digest: Digest) -> Iterable[str]:
    asked = (
        one.place.channel_id
        for one in digest.questions
        if one.place.visibility is Visibility.WORKSPACE and one.place.channel_id
    )
    return [*_channels(failures_in(digest)), *asked]


def _channels(failures: Iterable[Failure]) -> list[str]:
    """Of those that are the workspace's because their channel is."""
    return [
        one.channel_id
        for one in failures
        if one.visibility is Visibility.WORKSPACE and not one.is_published and one.channel_id
    ]
