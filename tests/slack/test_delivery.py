"""The digest into a channel, and what is done when Slack's answer got lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from slack_sdk.errors import SlackApiError

from failbot.errors import SlackError
from failbot.models import Digest, Schedule
from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.slack.jobs.delivery import is_final, retry_after_s
from failbot.slack.jobs.digesting import publish
from failbot.slack.manifest import COMMAND, EVENTS, SCOPES, manifest
from failbot.store.base import Claim
from tests.make import draft, failure, public
from tests.slack.conftest import Running

DIGEST = Digest(
    week="2026-W10",
    until=datetime(2026, 3, 2, 9, tzinfo=UTC),
    pattern=None,
    lessons=(failure(1, lesson="Clip the gradients"), failure(2, lesson="Shuffle")),
    questions=(),
    thanks=(),
)


WEEK = {"team_id": factory.TEAM_ID, "channel_id": factory.GENERAL, "week": DIGEST.week}
PLAN = Schedule(
    team_id=factory.TEAM_ID,
    channel_id=factory.GENERAL,
    weekday=0,
    hour=9,
    minute=0,
    zone="UTC",
    created_by=factory.ADA,
    created_at=DIGEST.until,
)


@pytest.fixture
def filled(bot: Running) -> Running:
    """A memory that holds what the digest tells of: else its messages are taken back."""
    place = public(factory.GENERAL, team_id=factory.TEAM_ID)
    said = [draft("It diverged."), draft("It was never shuffled.")]
    bot.service.record_many(said, place=place, author_id=factory.ADA, now=bot.control.now())
    return bot


def claimed(bot: Running, **other: str) -> Claim:
    """The right to post the week's digest, after whoever had it before."""
    bot.control.advance(600)
    claim = bot.store.digests.claim(**WEEK | other, now=bot.control.now(), lease_s=300)
    assert claim is not None
    return claim


def test_a_digest_is_one_message_with_its_details_in_the_thread(
    filled: Running, ada: Actor
) -> None:
    """Lessons in one line each, at length below."""
    bot = filled
    ts = publish(bot.side.bot, PLAN, DIGEST, claimed(bot))
    assert [one["ts"] for one in ada.messages(factory.GENERAL)] == [ts]
    thread = bot.control.messages(factory.GENERAL, ts)
    assert len(thread) == 2
    assert all(lesson in str(thread[0]) for lesson in ("Clip the gradients", "Shuffle"))
    tried = DIGEST.lessons[0].tried
    assert (tried in str(thread[0]), tried in str(thread[1])) == (False, True)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_digest_whose_answer_got_lost_is_not_posted_twice(filled: Running, lost: int) -> None:
    """Neither the message nor its details."""
    bot = filled
    if lost == 2:
        publish(bot.side.bot, PLAN, DIGEST, claimed(bot))
    else:
        bot.control.reset_connection("chat.postMessage", when="after")
        with pytest.raises(ConnectionError):
            publish(bot.side.bot, PLAN, DIGEST, claimed(bot))
    ts = publish(bot.side.bot, PLAN, DIGEST, claimed(bot))
    assert [one["text"] for one in bot.control.messages(factory.GENERAL, ts)] == [
        "What we learned from what did not work, in the week to 2 March 2026:"
        " 2 new, 0 unanswered questions.",
        "The lessons at length:",
    ]
    assert len(bot.control.messages(factory.GENERAL)) == 2


def test_a_digest_for_an_archived_channel_is_given_up_and_its_author_told(
    bot: Running, ada: Actor
) -> None:
    """In a direct message, once: the schedule goes."""
    channel_id = bot.control.add_channel("old", members=[factory.ADA])
    ada.command("/failure", "digest here monday 09:00", channel_id)
    schedule = bot.control.wait_for(
        lambda: bot.service.schedule_of(team_id=factory.TEAM_ID, channel_id=channel_id)
    )
    bot.control.archive(channel_id)
    claim = claimed(bot, channel_id=channel_id)
    with pytest.raises(SlackError, match="is_archived"):
        publish(bot.side.bot, schedule, DIGEST, claim)
    assert "is_archived" in str(ada.messages(factory.DMS[factory.ADA]))
    assert bot.service.schedule_of(team_id=factory.TEAM_ID, channel_id=channel_id) is None


def test_refusals_are_told_from_failures_that_pass(bot: Running) -> None:
    """Archived is for good; a rate limit, an error page and a lost line are not."""
    client = bot.side.client
    bot.control.ratelimit("chat.postMessage", retry_after_s=7)
    with pytest.raises(SlackApiError) as limited:
        client.chat_postMessage(channel=factory.GENERAL, text="x")
    assert (is_final(limited.value), retry_after_s(limited.value)) == (False, 7.0)
    bot.control.answer_html("chat.postMessage")
    with pytest.raises(SlackApiError) as page:
        client.chat_postMessage(channel=factory.GENERAL, text="x")
    assert not is_final(page.value)
    bot.control.fail_http("chat.postMessage", status=503)
    with pytest.raises(SlackApiError) as down:
        client.chat_postMessage(channel=factory.GENERAL, text="x")
    assert not is_final(down.value)
    with pytest.raises(SlackApiError) as unknown:
        client.chat_postMessage(channel="C404", text="x")
    assert is_final(unknown.value)
    assert not is_final(TimeoutError())


def test_the_manifest_asks_for_what_is_used_and_no_more() -> None:
    """Socket Mode unless there is an address; then the address is everywhere."""
    socket = manifest()
    assert socket["settings"]["socket_mode_enabled"] is True  # type: ignore[index]
    assert socket["oauth_config"] == {"scopes": {"bot": list(SCOPES)}}
    web = manifest(request_url="https://a.example/slack/events")
    assert str(web).count("https://a.example/slack/events") == 3
    assert web["settings"]["event_subscriptions"]["bot_events"] == list(EVENTS)  # type: ignore[index]
    assert COMMAND in str(web)
