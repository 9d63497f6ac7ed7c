"""The building stones of what failbot says in Slack: a message, its blocks, lists, help, home.

Pure. Whatever a person wrote passes through `text.clip` or `text.link` on its way into a block,
with limits that keep every message under Slack's, also when each character has to be escaped.
Sizes: docs.slack.dev, "Block Kit reference".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from failbot.models import Failure, Visibility
from failbot.slack.markup import ELLIPSIS, clip, clip_line, link
from failbot.text import clean

TITLE_SIZE = 150
VALUE_SIZE = 900  # of a button's value, which may hold 2,000, doubled by JSON
NOTICE_SIZE = 2_500
LINES_AT_MOST = 10

Block = dict[str, object]
Links = Mapping[int, str]  # a failure's number -> the address of its card

SEEN_BY = {
    Visibility.WORKSPACE: "everyone in the workspace can find it",
    Visibility.CHANNEL: "members of this channel can find it",
    Visibility.AUTHOR: "only its author can find it",
}

UNSURE = "members of this channel can find it: Slack did not say whether it is public"


def seen_by(failure: Failure) -> str:
    """Who can find the failure, as a clause."""
    return UNSURE if failure.is_unsure else SEEN_BY[failure.visibility]


HELP = """\
*Log what did not work* (20 seconds):
• `/failure` opens the form; `/failure the loss exploded at step 900` opens it with that filled in
• on any message: ⋮ → _Log as failure_

*Ask whether anyone has seen it*: mention me with the problem, or write to me directly. \
Mentioned without a text in a thread, I take the thread's first message.

*Find and tend*
• `/failure search words` · `/failure list` · `/failure mine`
• `/failure show F-12` · `/failure edit F-12` · `/failure delete F-12`
• `/failure publish F-12` gives your entry to the whole workspace, wherever you logged it
• `/failure log list shuffling broke` logs a text that begins with one of these words

*Weekly digest*
• `/failure digest here monday 09:00` (in your time zone, or add one: `Europe/Berlin`)
• `/failure digest` tells when · `/failure digest preview` · `/failure digest off`

An entry from a public channel is the workspace's, one from a private channel its members', \
one from a direct message yours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What to post: `text` is a sentence for screen readers and notifications, escaped."""

    text: str
    blocks: list[Block]


def notice(words: str) -> Message:
    """failbot's own words as a message; they may quote a person, so all of it is escaped."""
    text = clip(words, NOTICE_SIZE) or ELLIPSIS  # Slack refuses an empty text
    return Message(text=text, blocks=[section(text)])


def apology(reference: str) -> Message:
    """What is said where failbot itself broke; the log has the same reference."""
    return notice(f"Sorry, failbot broke on this. Reference for its admin: {reference}")


def with_remark(message: Message, remark: str) -> Message:
    """The message with a last line; `remark` is failbot's own mrkdwn, "" for none."""
    if not remark:
        return message
    return Message(text=f"{message.text} {remark}", blocks=[*message.blocks, section(remark)])


def help_message(problem: str = "") -> Message:
    """How to use failbot, after what could not be understood, if anything."""
    blocks, first = [section(HELP)], clip(problem, NOTICE_SIZE)
    if first:
        blocks.insert(0, section(first))
    text = f"{first or 'This is how to use failbot.'} Log with /failure, ask by mentioning me."
    return Message(text=text, blocks=blocks)


def listing(heading: str, failures: Sequence[Failure], *, links: Links, total: int = 0) -> Message:
    """Failures, one a line, under a heading that is failbot's own; at most ten."""
    shown = failures[:LINES_AT_MOST]
    blocks = [section(f"*{clip(heading, 200)}*")]
    blocks += [section(line(one, links)) for one in shown]
    if total > len(shown):
        blocks.append(context(f"{total - len(shown):,} more; `/failure search words` finds them."))
    return Message(text=f"{clip(heading, 200)}: {len(shown)} shown.", blocks=blocks)


def home(own: Sequence[Failure], *, links: Links) -> dict[str, object]:
    """The Home tab's view."""
    blocks = [
        section(
            "*failbot is the team's memory of what did not work.* Log a failure in 20 seconds; "
            "ask before you try something, and see whether it failed before."
        ),
        section(HELP),
        {"type": "divider"},
    ]
    if own:
        blocks += [section("*Your last entries*"), *(section(line(one, links)) for one in own)]
    else:
        blocks.append(section("You have logged nothing yet. Type `/failure` in any channel."))
    return {"type": "home", "blocks": blocks}


def line(failure: Failure, links: Links) -> str:
    """A failure on one line of mrkdwn: number and title, linked if it has a card, outcome, day."""
    outcome = f" · {failure.outcome.value}" if failure.outcome else ""
    return f"{titled(failure, links)}{outcome} · {failure.created_at:%Y-%m-%d}"


def titled(failure: Failure, links: Links) -> str:
    """Number and title in mrkdwn, linked to the failure's card if it has one."""
    label = f"{failure.reference} · {failure.name}"
    if url := links.get(failure.number):
        return f"*{link(url, label)}*"
    return f"*{clip_line(label, TITLE_SIZE)}*"


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def context(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text)]}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def button(label: str, action_id: str, *, value: str = "", style: str = "") -> Block:
    """A button; `value` is cut to what fits, never shown, and so not escaped."""
    element: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": label, "emoji": False},
        "action_id": action_id,
    }
    if value:
        element["value"] = clean(value)[:VALUE_SIZE]
    if style:
        element["style"] = style
    return element


def mrkdwn(text: str) -> Block:
    # verbatim: else Slack makes names, channels and addresses in what people wrote live again.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
