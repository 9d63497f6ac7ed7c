"""Every kind of job, and what does it."""

from __future__ import annotations

from failbot.slack.duties import DELETE, GIVE_FEEDBACK, KEEP, OPEN_FORM, REPLY, SHOW_HOME
from failbot.slack.events import QUESTION
from failbot.slack.jobs import acting
from failbot.slack.jobs.expecting import TELL_EXPECTED, tell_expected
from failbot.slack.jobs.following import TELL_AUTHOR, tell_author
from failbot.slack.jobs.handlers import SHOW_CARD, answer_question, show_card
from failbot.slack.jobs.worker import Handler

HANDLERS: dict[str, Handler] = {
    QUESTION: answer_question,
    SHOW_CARD: show_card,
    TELL_EXPECTED: tell_expected,
    TELL_AUTHOR: tell_author,
    OPEN_FORM: acting.show_form,
    REPLY: acting.answer_command,
    GIVE_FEEDBACK: acting.give_feedback,
    DELETE: acting.delete,
    KEEP: acting.keep,
    SHOW_HOME: acting.show_home,
}
