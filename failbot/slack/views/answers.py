"""An answer as a message: the failures that match, or honestly none. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from failbot.errors import InputError
from failbot.models import Answer, Hit, Verdict
from failbot.slack.markup import clip, clip_line, quote
from failbot.slack.views.blocks import (
    Block,
    Links,
    Message,
    actions,
    button,
    section,
    titled,
    with_remark,
)
from failbot.slack.views.cards import CAVEAT_SIZE, leading, reading, whose_words, why

SENTENCE_SIZE = 400
LESSON_SIZE = 400

LOG_IT = "log_question"
WORD = re.compile(r"^(helped|unhelped)-(\d+)-(\d+)$")  # a reader's word: question id, number

_OPENINGS = {
    Verdict.KNOWN: "This looks like something we have met before:",
    Verdict.RELATED: "Nobody has recorded exactly this, but it may help to know:",
}


def answer_message(answer: Answer, *, question: str, question_id: int, links: Links) -> Message:
    """The answer to a question: up to three matches, or that nobody has recorded this."""
    shown = answer.shown()
    if not shown:
        return _unknown(answer, question=question, links=links)
    message = _matches(_OPENINGS[answer.verdict], shown, question_id=question_id, links=links)
    return with_remark(message, clip_line(answer.caveat, CAVEAT_SIZE))


def numbers_in(answer: Answer) -> tuple[int, ...]:
    """Of the failures that its message shows."""
    weak = answer.weak()
    hits = [*answer.shown(), *([weak] if weak else [])]
    return tuple(hit.failure.number for hit in hits)


def private_message(hits: Sequence[Hit], *, question_id: int, links: Links) -> Message:
    """Matches that only the asker may see, shown to them alone."""
    opening = "Only you see this; it is from a place that not everyone here can read:"
    return _matches(opening, hits, question_id=question_id, links=links)


def read_word(action_id: str) -> tuple[bool, int, int]:
    """Whether it helped, the question's id and the failure's number. :raises InputError:"""
    match = WORD.match(action_id)
    if not match:
        raise InputError("this button is out of date; ask again")
    return match.group(1) == "helped", int(match.group(2)), int(match.group(3))


def thanks_for_word(reference: str, *, helped: bool) -> str:
    """What a reader is told after saying whether a match helped."""
    if helped:
        return f"Noted: {reference} was it. Its author is thanked in the weekly digest."
    return f"Noted: {reference} was not it."


def _matches(opening: str, hits: Sequence[Hit], *, question_id: int, links: Links) -> Message:
    blocks = [section(opening)]
    for hit in hits:
        blocks += [section(_match(hit, links)), _word_buttons(hit, question_id)]
    first = hits[0].failure
    text = f"{opening} {first.reference}, {clip_line(first.name, 150)}."
    if first.lesson:
        text += f" {clip_line(first.lesson, 300)}"
    return with_remark(Message(text=text, blocks=blocks), whose_words(hits))


def _match(hit: Hit, links: Links) -> str:
    failure = hit.failure
    outcome = f" · {failure.outcome.value}" if failure.outcome else ""
    lines = [f"{titled(failure, links)}{outcome}"]
    if hit.sentence:
        lines.append(quote(hit.sentence, SENTENCE_SIZE))
    lines += reading(hit)
    if failure.lesson:
        lines.append(f"*Lesson*: {clip(failure.lesson, LESSON_SIZE)}")
    if explanation := leading(failure):
        lines.append(why(explanation))
    if failure.number not in links:
        lines.append(f"`/failure show {failure.reference}`")
    return "\n".join(lines)


def _word_buttons(hit: Hit, question_id: int) -> Block:
    key = f"{question_id}-{hit.failure.number}"
    return actions(button("That's it", f"helped-{key}"), button("Not this", f"unhelped-{key}"))


def _unknown(answer: Answer, *, question: str, links: Links) -> Message:
    words = "Nothing found yet." if answer.is_provisional else "Nobody has recorded this."
    blocks = [section("\n".join(filter(None, [f"*{words}*", answer.scope])))]
    weak = answer.weak()
    if weak:
        more = (
            "" if weak.failure.number in links else f" (`/failure show {weak.failure.reference}`)"
        )
        blocks.append(section(f"The closest is a weak match: {titled(weak.failure, links)}{more}"))
    blocks.append(section("If it turns out not to work, log it, so that the next one finds it."))
    blocks.append(actions(button("Log it", LOG_IT, value=question)))
    text = " ".join(filter(None, [words, answer.scope]))
    return with_remark(Message(text=text, blocks=blocks), clip_line(answer.caveat, CAVEAT_SIZE))
