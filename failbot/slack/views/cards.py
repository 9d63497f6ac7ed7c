"""A failure as a card, and what is said around logging, editing and deleting it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from failbot.models import (
    Access,
    ExpectedQuestion,
    Explanation,
    ExplanationStatus,
    Failure,
    Hit,
    Visibility,
)
from failbot.slack.markup import channel, clip, clip_line, link, person, quote
from failbot.slack.views.blocks import (
    TITLE_SIZE,
    Links,
    Message,
    actions,
    button,
    context,
    section,
    seen_by,
    titled,
    with_remark,
)
from failbot.store.base import MessageKind, ShownMessage

# Sizes after escaping; together they stay under Slack's limit for all blocks of a message even
# if JSON doubles every character of them.
STORY_SIZE = 1_200
LESSON_SIZE = 600
WHY_SIZE = 300
REMARK_SIZE = 250
URL_SIZE = 250
READING_SIZE = 300
CAVEAT_SIZE = 500
EXPLANATIONS_AT_MOST = 3
LINKS_AT_MOST = 3
QUESTIONS_AT_MOST = 3
NAMED_AT_MOST = 20
FORESEEN_AT_MOST = 8

_WHOSE_WORDS = "_Matches_ and _differs_ are a language model's words, not the author's."

EDIT = "edit_failure"
DELETE = "delete_failure"
KEEP = "keep_failure"


def card(failure: Failure, questions: Sequence[ExpectedQuestion] = ()) -> Message:
    """The failure in full, as far as a message holds it; `questions` are how people would ask."""
    blocks = [section(text) for text in _parts(failure)]
    if questions:
        blocks.append(section(_asked_like(questions)))
    blocks.append(context(_facts(failure)))
    return Message(text=_sentence(failure), blocks=blocks)


def logged(failure: Failure, *, similar: Sequence[Hit], links: Links, caveat: str = "") -> Message:
    """What the author alone is told after logging: the number, who sees it, what is like it.

    :param caveat: what keeps the likeness from being the last word.
    """
    first = f"{failure.reference} is logged: {seen_by(failure)}."
    if failure.is_unsure:
        first += " I keep asking, and tell you what it says."
    blocks = [section(f"{first} `/failure edit {failure.reference}` adds to it.")]
    if similar:
        blocks.append(section("*It resembles what was logged before:*"))
        blocks += [section(_resembling(hit, links)) for hit in similar]
        remark = " ".join(filter(None, [whose_words(similar), clip_line(caveat, CAVEAT_SIZE)]))
        return with_remark(Message(text=first, blocks=blocks), remark)
    return Message(text=first, blocks=blocks)


def saved(failure: Failure) -> Message:
    """What is told alone after an edit."""
    words = f"{failure.reference} is saved, as version {failure.version}."
    return Message(text=words, blocks=[section(words)])


def followed(
    channel_id: str, access: Access, *, opened: Sequence[str], closed: Sequence[str]
) -> Message:
    """What an author is told when others can find their entries than before; by reference."""
    said = _ACCESS[access].format(channel(channel_id))
    found = [
        f"{_several(names)} can now be found by {whom}."
        for names, whom in ((opened, "everyone in the workspace"), (closed, "its members only"))
        if names
    ]
    advice = f"`/failure publish {closed[0]}` gives it to the workspace." if closed else ""
    words = " ".join(filter(None, [said, *found, advice]))
    return Message(text=words, blocks=[section(words)])


_ACCESS = {
    Access.WORKSPACE: "Slack says now that {} is public.",
    Access.SHARED: "Slack says now that {} is shared with another workspace.",
    Access.PRIVATE: "{} is private.",
    Access.HIDDEN: "Slack does not show me {} any more: it is private, or deleted.",
}


def _several(names: Sequence[str]) -> str:
    """The first of them, and how many more."""
    shown = ", ".join(names[:NAMED_AT_MOST])
    more = len(names) - NAMED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown


def foreseen(failure: Failure, questions: Sequence[ExpectedQuestion]) -> Message:
    """What the author alone is told once a language model wrote how people may ask."""
    first = (
        f"{failure.reference} is now found by these questions, too. A language model wrote them, "
        "and they are not shown as your words:"
    )
    lines = [f"• {clip_line(one.text, REMARK_SIZE)}" for one in questions[:FORESEEN_AT_MOST]]
    edit = button(f"Edit {failure.reference}", EDIT, value=str(failure.number))
    blocks = [section("\n".join([first, *lines])), actions(edit)]
    return Message(text=f"{first} {clip_line(questions[0].text, REMARK_SIZE)}", blocks=blocks)


def leaked(kinds: Sequence[str]) -> str:
    """What was taken out of an entry, and what to do about it."""
    names = clip_line(", ".join(kinds), 200)
    return f"What looks like a secret ({names}) is not stored: take it as leaked, and replace it."


def unposted(failure: Failure, code: str) -> str:
    """Why no card is in the channel, from Slack's refusal, and what to do about it."""
    if code in ("not_in_channel", "channel_not_found"):
        words = "I am not in this channel, so there is no card: type `/invite @failbot` here."
        if failure.visibility is Visibility.CHANNEL:
            words += " Until then nobody finds the entry: I cannot see who belongs to the channel."
        return words
    if code == "is_archived":
        return "The channel is archived, so there is no card; the entry is kept."
    return f"Slack refused the card ({clip_line(code, 60)}); the entry is kept."


def ask_deletion(failure: Failure, *, shown: Sequence[ShownMessage] = ()) -> Message:
    """The question before a failure is deleted, with what goes too; `shown` shows it in Slack."""
    words = f"Delete {failure.reference} for good? {_what_goes(shown)}"
    quoted = f"*{clip_line(failure.name, TITLE_SIZE)}*"
    value = str(failure.number)
    buttons = actions(
        button(f"Delete {failure.reference}", DELETE, value=value, style="danger"),
        button("Keep it", KEEP, value=value),
    )
    return Message(text=words, blocks=[section(f"{words}\n{quoted}"), buttons])


def _what_goes(shown: Sequence[ShownMessage]) -> str:
    kinds = Counter(one.kind for one in shown)
    digests = len({one.about for one in shown if one.kind is MessageKind.DIGEST})
    counts = {"answer": kinds[MessageKind.ANSWER], "digest": digests}
    quoting = [_counted(count, name) for name, count in counts.items() if count]
    card = " and its card" if kinds[MessageKind.CARD] else ""
    words = f"Its versions{card} go too"
    if quoting:
        words += f"; {' and '.join(quoting)} that quoted it will say that it was deleted"
    return f"{words}. What one person alone was shown stays until they reload Slack."


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"


def leading(failure: Failure) -> Explanation | None:
    """The explanation to show where only one fits: supported before open before ruled out."""
    order = (ExplanationStatus.SUPPORTED, ExplanationStatus.OPEN, ExplanationStatus.RULED_OUT)
    ranked = sorted(failure.explanations, key=lambda one: order.index(one.status))
    return ranked[0] if ranked else None


def reading(hit: Hit) -> list[str]:
    """What a language model says matches and differs, a line of mrkdwn each."""
    told = (("Matches", hit.matches), ("Differs", hit.differs))
    return [f"_{name}_: {clip_line(said, READING_SIZE)}" for name, said in told if said]


def whose_words(hits: Sequence[Hit]) -> str:
    """Whose words `reading` is made of, where any hit has some; else ""."""
    return _WHOSE_WORDS if any(map(reading, hits)) else ""


def why(explanation: Explanation) -> str:
    """An explanation with its status, in mrkdwn."""
    return f"*Why* ({explanation.status.value}): {clip(explanation.text, WHY_SIZE)}"


def _parts(failure: Failure) -> Iterator[str]:
    outcome = f" · {failure.outcome.value}" if failure.outcome else ""
    yield f"*{failure.reference} · {clip_line(failure.name, TITLE_SIZE)}*{outcome}"
    yield f"*Tried, expecting*\n{clip(failure.tried, STORY_SIZE)}"
    yield f"*Happened*\n{clip(failure.happened, STORY_SIZE)}"
    if failure.explanations:
        yield "\n".join(why(one) for one in failure.explanations[:EXPLANATIONS_AT_MOST])
    if failure.lesson:
        yield f"*Lesson*\n{clip(failure.lesson, LESSON_SIZE)}"
    if failure.valid_while:
        yield f"*Worth retrying when* {clip(failure.valid_while, REMARK_SIZE)}"
    if failure.links:
        yield " · ".join(_short_link(url) for url in failure.links[:LINKS_AT_MOST])


def _asked_like(questions: Sequence[ExpectedQuestion]) -> str:
    """Each with whose words it is: an entry's author did not say what a model wrote."""
    lines = [
        f"• {clip_line(one.text, REMARK_SIZE)} ({one.origin.value})"
        for one in questions[:QUESTIONS_AT_MOST]
    ]
    return "\n".join(["*Asked like*", *lines])


def _facts(failure: Failure) -> str:
    """The small line under a card."""
    facts = [
        f"Logged by {person(failure.author_id)}",
        f"{failure.created_at:%Y-%m-%d}",
        clip_line(", ".join(failure.modes), REMARK_SIZE),
        clip_line(" ".join(f"#{tag}" for tag in failure.tags), REMARK_SIZE),
        f"cost: {clip_line(failure.cost, 120)}" if failure.cost else "",
        f"version {failure.version}" if failure.version > 1 else "",
        seen_by(failure),
    ]
    return " · ".join(fact for fact in facts if fact)


def _short_link(url: str) -> str:
    """The address as a link; one that is too long to click is shown cut, as text."""
    label = clip_line(url.partition("://")[2] or url, 60)
    return link(url, url.partition("://")[2][:60]) if len(url) <= URL_SIZE else label


def _resembling(hit: Hit, links: Links) -> str:
    lines = [titled(hit.failure, links)]
    if hit.sentence:
        lines.append(quote(hit.sentence, REMARK_SIZE))
    lines += reading(hit)
    if hit.failure.number not in links:
        lines.append(f"`/failure show {hit.failure.reference}`")
    return "\n".join(lines)


def _sentence(failure: Failure) -> str:
    name = clip_line(failure.name, TITLE_SIZE)
    lesson = f" Lesson: {clip_line(failure.lesson, 300)}" if failure.lesson else ""
    return f"{failure.reference}: {name}.{lesson}"
