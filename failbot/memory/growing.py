"""How an entry comes to be found by what people really asked."""

from __future__ import annotations

from datetime import timedelta

from failbot.memory.matching import Matcher
from failbot.models import Failure, Feedback, Question, Viewer
from failbot.search.expected import helps, is_confirmed, may_join
from failbot.search.scoring import LEAST_WORDS
from failbot.search.words import content_words
from failbot.store.base import Store


def question_of(
    failure: Failure, feedback: Feedback, *, store: Store, matcher: Matcher
) -> Question | None:
    """The question, to be an expected one of the failure that answered it, where that is
    confirmed, hides nothing from whoever reads it there, and helps; else None.

    Stored blindly, confirmed questions cost 6 points of MRR once.
    """
    everything = Viewer(team_id=failure.team_id, is_operator=True)
    question = store.questions.get(feedback.question_id, team_id=failure.team_id)
    until = feedback.at + timedelta(microseconds=1)
    said = store.questions.feedback(viewer=everything, since=question.asked_at, before=until)
    if not (
        is_confirmed(question, failure.number, said)
        and may_join(question.place, failure, asker_id=question.user_id)
        and content_words(question.text) >= LEAST_WORDS
    ):
        return None
    # By the score, in no time: a listener waits. Words alone cannot tell whether it helps.
    answer = matcher.answer(question.text, viewer=everything, patience_s=0, limit=2, reads=False)
    if answer.by_words_only or not helps(answer.hits, failure.number):
        return None
    return question
