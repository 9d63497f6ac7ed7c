"""Messages through the real client: text, threads, edits, history, alarms, people's sight."""

from __future__ import annotations

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from failbot.sandbox import factory
from failbot.sandbox.actor import Actor
from failbot.sandbox.control import Control
from failbot.sandbox.refusal import PersonError
from tests.sandbox.blocks import mrkdwn, plain, section

G, S = factory.GENERAL, factory.SECRET


def test_stray_markup_is_stored_escaped(client: WebClient, ada: Actor) -> None:
    """What is no markup becomes entities once; entities and links stay."""
    text = "a < b & c &amp; <https://x.test|x>"
    client.chat_postMessage(channel=G, text=text)
    stored = "a &lt; b &amp; c &amp; <https://x.test|x>"
    assert ada.messages(G)[0]["text"] == stored


def test_a_long_text_is_cut_at_40000(client: WebClient) -> None:
    """Slack truncates and warns."""
    answer = client.chat_postMessage(channel=G, text="x" * 40_001)
    assert len(answer["message"]["text"]) == 40_000
    assert answer["warning"] == "message_truncated"


@pytest.mark.parametrize("live", ["<!channel>", "<!here>", "<!everyone|all>", "<!subteam^S0TEAM>"])
@pytest.mark.parametrize("place", ["text", "section", "context"])
def test_a_live_mass_mention_of_the_bot_sounds_an_alarm(
    client: WebClient, control: Control, live: str, place: str
) -> None:
    """Wherever mrkdwn is read, a mass mention is recorded."""
    parts: dict[str, dict[str, object]] = {
        "text": {"text": live},
        "section": {"blocks": [section(f"oh {live}")]},
        "context": {"blocks": [{"type": "context", "elements": [mrkdwn(live)]}]},
    }
    client.api_call("chat.postMessage", json={"channel": G, "text": "x"} | parts[place])
    assert [alarm["channel_id"] for alarm in control.alarms()] == [G]


def test_escaped_and_plain_text_mentions_sound_no_alarm(
    client: WebClient, control: Control
) -> None:
    """Entities and plain_text are not live."""
    block = section() | {"text": plain("<!channel>")}
    client.chat_postMessage(channel=G, text="&lt;!channel&gt; @channel", blocks=[block])
    assert control.alarms() == []


def test_link_names_makes_names_live(client: WebClient, control: Control) -> None:
    """With link_names a bare @channel alarms, as it would ring."""
    client.chat_postMessage(channel=G, text="@channel", link_names=True)
    assert control.alarms()[0]["kind"] == "channel"


def test_a_thread_has_counts_and_is_not_in_the_channel(client: WebClient, ada: Actor) -> None:
    """Replies are in conversations.replies; the parent counts them."""
    parent = ada.say(G, "parent")["ts"]
    reply = client.chat_postMessage(channel=G, text="reply", thread_ts=parent)["ts"]
    history = client.conversations_history(channel=G)["messages"]
    assert [m["ts"] for m in history] == [parent]
    assert (history[0]["reply_count"], history[0]["latest_reply"]) == (1, reply)
    replies = client.conversations_replies(channel=G, ts=parent)["messages"]
    assert [m["ts"] for m in replies] == [parent, reply]


def test_history_is_paged_newest_first(client: WebClient, ada: Actor) -> None:
    """Cursors lead through a channel without gaps or repeats."""
    said = [ada.say(G, f"m{n}")["ts"] for n in range(5)]
    pages = [page["messages"] for page in client.conversations_history(channel=G, limit=2)]
    assert [m["ts"] for page in pages for m in page] == said[::-1]
    assert len(pages) == 3


def test_members_are_paged(client: WebClient, control: Control) -> None:
    """conversations.members gives everyone, page by page."""
    pages = [page["members"] for page in client.conversations_members(channel=G, limit=3)]
    assert [len(page) for page in pages] == [3, 1]
    members = [user for page in pages for user in page]
    assert members == [factory.ADA, factory.BEN, factory.CLEO, factory.BOT_USER]


def test_history_window_excludes_its_ends_unless_inclusive(client: WebClient, ada: Actor) -> None:
    """oldest and latest are open ends; inclusive closes them."""
    a, b, c = (ada.say(G, name)["ts"] for name in "abc")
    window = {"channel": G, "oldest": a, "latest": c}
    texts = [
        [m["text"] for m in client.conversations_history(inclusive=closed, **window)["messages"]]
        for closed in (False, True)
    ]
    assert texts == [["b"], ["c", "b", "a"]]
    assert b


def test_metadata_comes_back_only_when_asked_for(client: WebClient) -> None:
    """include_all_metadata shows what the app stored with a message."""
    metadata = {"event_type": "digest", "event_payload": {"week": "2026-W10"}}
    client.chat_postMessage(channel=G, text="x", metadata=metadata)
    plainly = client.conversations_history(channel=G)["messages"][0]
    fully = client.conversations_history(channel=G, include_all_metadata=True)["messages"][0]
    assert "metadata" not in plainly
    assert fully["metadata"] == metadata


def test_an_ephemeral_is_in_nobodys_history(client: WebClient, ada: Actor, ben: Actor) -> None:
    """Only the one person sees it, and the API does not have it."""
    client.chat_postEphemeral(channel=G, user=factory.ADA, text="psst")
    assert [m["text"] for m in ada.messages(G)] == ["psst"]
    assert ben.messages(G) == []
    assert client.conversations_history(channel=G)["messages"] == []


def test_a_deleted_parent_leaves_a_tombstone(client: WebClient, ada: Actor) -> None:
    """A thread outlives its first message."""
    parent = ada.say(G, "parent")["ts"]
    ada.say(G, "reply", thread_ts=parent)
    ada.delete(G, parent)
    assert client.conversations_history(channel=G)["messages"][0]["subtype"] == "tombstone"


def test_an_update_marks_the_message_as_edited(client: WebClient, ada: Actor) -> None:
    """chat.update changes the bot's message in place."""
    ts = client.chat_postMessage(channel=G, text="one")["ts"]
    client.chat_update(channel=G, ts=ts, text="two")
    message = ada.messages(G)[0]
    assert (message["ts"], message["text"]) == (ts, "two")
    assert message["edited"]["user"] == factory.BOT_USER


def test_a_permalink_of_a_reply_names_its_thread(client: WebClient, ada: Actor) -> None:
    """chat.getPermalink gives the address that the person also sees."""
    parent = ada.say(G, "parent")["ts"]
    reply = ada.say(G, "reply", thread_ts=parent)
    link = client.chat_getPermalink(channel=G, message_ts=reply["ts"])["permalink"]
    assert link == reply["permalink"]
    assert f"thread_ts={parent}" in link


def test_posting_to_a_person_opens_the_direct_messages(client: WebClient, ben: Actor) -> None:
    """A user id as channel is that person's DM with the bot."""
    assert client.chat_postMessage(channel=factory.BEN, text="hi")["channel"] == ben.dm()


def test_a_private_channel_is_unseen_from_outside(cleo: Actor, ada: Actor) -> None:
    """Someone who is not a member does not see it, its messages, nor can they post."""
    ada.say(S, "secret")
    assert S not in {c["id"] for c in cleo.channels()}
    with pytest.raises(PersonError):
        cleo.messages(S)
    with pytest.raises(PersonError):
        cleo.say(S, "hello")
    assert [one["text"] for one in ada.messages(S)] == ["secret"]


def test_users_info_tells_zone_and_rights(client: WebClient) -> None:
    """tz, tz_offset and is_admin are what the digest and admin checks need."""
    user = client.users_info(user=factory.BEN)["user"]
    assert user["tz"] == "Europe/London"
    assert user["tz_offset"] in (0, 3600)
    assert not user["is_admin"]


def test_a_response_url_takes_five_replies_in_thirty_minutes(ada: Actor, control: Control) -> None:
    """The sixth is used_url; after half an hour it is expired_url; both are HTTP 404."""
    for _ in range(2):
        ada.command("/failure", "", G, wait=False)
    urls = [d["payload"]["response_url"] for d in control.deliveries("slash_commands")]
    six = [WebhookClient(urls[0]).send(text="x") for _ in range(6)]
    assert [one.status_code for one in six] == [200] * 5 + [404]
    assert "used_url" in six[5].body
    control.advance(30 * 60 + 1)
    late = WebhookClient(urls[1]).send(text="x")
    assert (late.status_code, "expired_url" in late.body) == (404, True)


def test_a_deactivated_person_cannot_act(control: Control, ben: Actor) -> None:
    """Whoever is deactivated cannot sign in."""
    control.change_person(factory.BEN, deleted=True)
    with pytest.raises(PersonError, match="deactivated"):
        ben.say(G, "still here?")


def test_the_bot_leaves_no_trace_of_a_channel_it_was_removed_from(
    client: WebClient, control: Control
) -> None:
    """A private channel without the bot is channel_not_found for it."""
    control.leave(S, factory.BOT_USER)
    with pytest.raises(SlackApiError, match="channel_not_found"):
        client.chat_postMessage(channel=S, text="x")
