"""What failbot does: record, revise, ask, digest; and nothing of how it is stored or shown."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from failbot.errors import InputError, NotAllowedError, NotFoundError, StoppedError
from failbot.fields import TEXT_LIMIT
from failbot.memory import expected, growing, rescanning
from failbot.memory.digest import PATTERN_WINDOW, WINDOW, compose, week_of
from failbot.memory.embedding import Embedder, EncoderSource, OnFindable
from failbot.memory.erasing import Eraser
from failbot.memory.matching import Matcher, RerankerSource, pair_name
from failbot.memory.nulls import measure
from failbot.memory.ready import ready_of, refuse_merged
from failbot.memory.redact import redact
from failbot.memory.writing import QuestionWriter, Told
from failbot.models import (
    SHOWN_HITS,
    Access,
    Answer,
    Digest,
    Draft,
    ExpectedQuestion,
    Failure,
    Feedback,
    Imported,
    Place,
    Question,
    QuestionOrigin,
    Recorded,
    Schedule,
    Version,
    Viewer,
    Visibility,
)
from failbot.reader.base import NoReader, Reader
from failbot.search.expected import (
    merged,
    rewritten,
)
from failbot.search.passages import text_of
from failbot.store.base import Store
from failbot.store.erasing import Forgotten, Traces
from failbot.threads import Stop, Worker

log = logging.getLogger(__name__)


class Service:
    """failbot's deeds on one store. Any thread may call it."""

    def __init__(
        self,
        store: Store,
        source: EncoderSource,
        reranker: RerankerSource | None = None,
        *,
        reader: Reader | None = None,
        stop: Stop | None = None,
    ) -> None:
        """:param stop: the process's, if it is one that is told to stop."""
        self._store = store
        self._stop = stop or Stop()
        self._reader = reader or NoReader()
        self._embedder = Embedder(store, source, stop=stop)
        self._matcher = Matcher(store, self._embedder, reranker, reader=self._reader)
        self.erasing = Eraser(store)
        # Called with each answer to a question that was kept, in the thread that answers.
        self.when_answered: Callable[[Answer], None] = lambda answer: None
        # With a language model what is recorded or revised joins `Store.wanted`.
        self._wants = bool(self._reader.name)
        self._wake_writer: Callable[[], None] = lambda: None

    def on_findable(self, told: OnFindable) -> None:
        """See Embedder.on_findable."""
        self._embedder.on_findable(told)

    @property
    def model_fault(self) -> str:
        """Why the model cannot be used; "" while nothing is known against it."""
        return self._embedder.fault

    def background(self, stop: Stop) -> Worker:
        """The thread, not yet started, that embeds whatever is written, and measures the nulls."""
        embedder = self._embedder
        keep = partial(embedder.keep_embedding, after=self.measure_nulls)
        return Worker("embed", keep, stop=stop, wake=embedder.wake)

    def question_writer(
        self,
        *,
        now: Callable[[], datetime],
        pause_s: float = 0.0,
        told: Told = lambda failure, questions: None,
    ) -> QuestionWriter:
        """What has the language model write expected questions; see `QuestionWriter`."""
        keep = self.keep_expected
        writer = QuestionWriter(
            self._store, self._reader, keep, now=now, pause_s=pause_s, told=told
        )
        self._wake_writer = writer.wake
        return writer

    def record(
        self,
        draft: Draft,
        *,
        place: Place,
        author_id: str,
        now: datetime,
        source: str = "",
        questions: Mapping[str, QuestionOrigin] | None = None,
    ) -> Recorded:
        """The recorded failure, committed; the same source, the same one.

        Secrets are redacted first, and it says which. Its vectors follow in the background.
        :param questions: how someone would ask about it, and whose words that is.
        :raises DraftError: what is wrong, by field.
        """
        ready = ready_of(draft, questions or {})
        failure, is_new = self._store.failures.record(
            ready.draft,
            place=place,
            author_id=author_id,
            now=now,
            source=source,
            expected=merged((), ready.expected(by=author_id, at=now)),
            wants=self._wants,
        )
        self._embedder.expect(failure)
        self._wrote()
        return Recorded(failure=failure, is_new=is_new, redacted=ready.redacted)

    def record_many(
        self,
        drafts: Sequence[Draft],
        *,
        place: Place,
        author_id: str,
        now: datetime,
        questions: Sequence[Mapping[str, QuestionOrigin]] = (),
        name: str = "",
        wants: bool = True,
    ) -> Imported:
        """As `record` for each, in their order, all of them or none: an import, which can be
        undone (`erasing.undo_import`).

        :param questions: each draft's, or nothing at all.
        :param name: of what they come from.
        :param wants: whether a language model, if one is set, is to write more of them.
        :raises DraftError: of the first bad one, or of two whose external ids are one without
            their secrets: the second would be taken for the first, and lost.
        """
        beside = questions or [{}] * len(drafts)
        ready = [ready_of(draft, asked) for draft, asked in zip(drafts, beside, strict=True)]
        refuse_merged(drafts, [one.draft for one in ready])
        import_id, recorded = self.erasing.record_import(
            [one.draft for one in ready],
            name=name,
            place=place,
            author_id=author_id,
            now=now,
            expected=[merged((), one.expected(by=author_id, at=now)) for one in ready],
            wants=wants and self._wants,
        )
        self._wrote()
        done = [
            Recorded(failure=failure, is_new=is_new, redacted=one.redacted)
            for (failure, is_new), one in zip(recorded, ready, strict=True)
        ]
        return Imported(id=import_id, recorded=tuple(done))

    def revise(
        self,
        number: int,
        draft: Draft,
        *,
        viewer: Viewer,
        is_admin: bool,
        now: datetime,
        questions: Sequence[str] | None = None,
    ) -> Recorded:
        """The failure with its new text, committed, and what was taken out of that.

        With `questions` they are its expected ones from now on: one that was there keeps its
        origin, one that is not among them goes. What a model wrote of the text before goes in any
        case, unless somebody has chosen among it.
        :raises NotFoundError: :raises NotAllowedError: neither author nor admin.
        :raises DraftError:
        """
        before = self.editable(number, viewer=viewer, is_admin=is_admin)
        ready = ready_of(draft, dict.fromkeys(questions or (), QuestionOrigin.AUTHOR))
        revised = self._store.failures.revise(
            number,
            ready.draft,
            viewer=viewer,
            by=viewer.user_id,
            now=now,
            wants=self._wants,
        )
        expected.follow_edit(
            self._store,
            revised,
            changed=revised.version > before.version,
            lines=None if questions is None else [line for line in ready.questions if line],
            viewer=viewer,
            now=now,
        )
        self._embedder.expect(revised)
        self._wrote()
        return Recorded(failure=revised, is_new=False, redacted=ready.redacted)

    def _wrote(self) -> None:
        self._embedder.wake()
        self._wake_writer()

    def expected(
        self, numbers: Sequence[int], *, viewer: Viewer
    ) -> dict[int, tuple[ExpectedQuestion, ...]]:
        """The expected questions of these failures, by number; no key where there are none."""
        return self._store.expected.of(numbers, viewer=viewer)

    def keep_expected(
        self,
        number: int,
        questions: Sequence[str],
        origin: QuestionOrigin,
        *,
        by: str,
        viewer: Viewer,
        now: datetime,
    ) -> tuple[ExpectedQuestion, ...]:
        """All expected questions of the failure, with these among them as far as they fit.

        Secrets, doubles and what is too long are left out. A model's take the place of those
        that a model wrote before. :raises NotFoundError: no failure that the viewer sees.
        """
        lines, _ = expected.redacted(questions)
        new = expected.made(dict.fromkeys(lines, origin), by=by, at=now)
        change = rewritten if origin is QuestionOrigin.MODEL else merged
        kept = self._store.expected.change(
            number, lambda before: change(before, new), viewer=viewer
        )
        self._embedder.wake()
        return kept

    def delete(self, number: int, *, viewer: Viewer, is_admin: bool) -> Failure:
        """The failure that is now gone. :raises NotFoundError: :raises NotAllowedError:"""
        failure = self.editable(number, viewer=viewer, is_admin=is_admin)
        self.erasing.delete([number], viewer=viewer)
        log.info("%s of %s is deleted", failure.reference, failure.team_id)
        return failure

    def what_to_forget(self, user_id: str, *, viewer: Viewer, is_admin: bool) -> Traces:
        """What there is of this person, whoever sees it. :raises NotAllowedError: as `forget`."""
        _refuse_stranger(user_id, viewer=viewer, is_admin=is_admin)
        return self._store.erasures.traces(user_id, team_id=viewer.team_id)

    def forget(
        self,
        user_id: str,
        *,
        viewer: Viewer,
        is_admin: bool,
        now: datetime,
        keeps_entries: bool = False,
    ) -> Forgotten:
        """Erases what this person did in the viewer's workspace, see `Erasures.forget`.

        A restored backup forgets them again. :raises NotAllowedError: neither this person, nor
        an admin.
        """
        _refuse_stranger(user_id, viewer=viewer, is_admin=is_admin)
        done = self.erasing.forget(
            user_id, team_id=viewer.team_id, keeps_entries=keeps_entries, now=now
        )
        log.info("a person of %s was forgotten: %d entries", viewer.team_id, len(done.deleted))
        self._embedder.wake()
        return done

    def editable(self, number: int, *, viewer: Viewer, is_admin: bool) -> Failure:
        """The failure, for a form or before a deletion. Raises as `revise` does."""
        failure = self.show(number, viewer=viewer)
        if not (is_admin or viewer.is_operator or failure.author_id == viewer.user_id != ""):
            raise NotAllowedError(
                f"Only the author of {failure.reference} or a workspace admin can change it."
            )
        return failure

    def show(self, number: int, *, viewer: Viewer) -> Failure:
        """:raises NotFoundError:"""
        return self._store.failures.get(number, viewer=viewer)

    def visible(self, numbers: Sequence[int], *, viewer: Viewer) -> dict[int, Failure]:
        """The failures of these numbers that the viewer sees, by number."""
        return self._store.failures.at(numbers, viewer=viewer)

    def versions(self, number: int, *, viewer: Viewer) -> list[Version]:
        """Oldest first. :raises NotFoundError:"""
        return self._store.failures.versions(number, viewer=viewer)

    def newest(self, *, viewer: Viewer, limit: int = 10, author_id: str = "") -> list[Failure]:
        """By creation, newest first."""
        return self._store.failures.newest(viewer=viewer, limit=limit, author_id=author_id)

    def count(self, *, viewer: Viewer, author_id: str = "") -> int:
        return self._store.failures.count(viewer=viewer, author_id=author_id)

    def search(self, text: str, *, viewer: Viewer, limit: int = 10) -> list[Failure]:
        """Failures that hold all these words, best first."""
        return self._store.failures.search(text, viewer=viewer, limit=limit)

    def posted_card(self, failure: Failure, *, message_ts: str) -> None:
        """Remembers the message that shows the failure in its channel."""
        self._store.failures.set_card(
            failure.number, team_id=failure.team_id, message_ts=message_ts
        )

    def ask(
        self,
        text: str,
        *,
        viewer: Viewer,
        patience_s: float = 10.0,
        limit: int = 10,
        hidden: Collection[int] = (),
        is_private: bool = True,
        reads: bool = True,
    ) -> Answer:
        """The answer, with at most `limit` hits, none of them `hidden`; of all that is recorded.

        :param is_private: the question is not everyone's to read; what is private may be kept
            from a language model (`Reader.read`).
        :param reads: with the language model, if one is set.

        Waits at most `patience_s` for the models, then answers by words only, or without the
        reranker; so, too, where the model cannot be used.
        :raises InputError: no text, or more than 40,000 characters.
        """
        if not text.strip():
            raise InputError("Say what you see: one sentence, an error message, a plan.")
        if len(text) > TEXT_LIMIT:
            raise InputError(f"That is {len(text):,} characters; at most {TEXT_LIMIT:,} fit.")
        return self._matcher.answer(
            text,
            viewer=viewer,
            patience_s=patience_s,
            limit=limit,
            hidden=hidden,
            is_private=is_private,
            reads=reads,
        )

    def similar(self, failure: Failure, *, viewer: Viewer) -> Answer:
        """What the memory says to the failure's own text, as if somebody else had asked it.

        What it shows are earlier failures like this one, best first, at most 3.
        """
        return self._matcher.answer(
            text_of(failure)[:TEXT_LIMIT],
            viewer=viewer,
            patience_s=2.0,
            limit=SHOWN_HITS,
            hidden=[failure.number],
            whole=True,
            is_private=failure.visibility is not Visibility.WORKSPACE,
        )

    @property
    def reader_name(self) -> str:
        """Whose judgements and drafts these are; "" where there is no language model."""
        return self._reader.name

    def draft_from(self, text: str, *, is_private: bool = True) -> Draft:
        """A draft of what a thread or a pasted log tells; nothing is stored.

        A person reads and changes it. Without a language model all of the text is what happened.
        :raises ReaderError: the language model may not see it, or gave no usable answer.
        """
        return self._reader.draft_from(redact(text)[0], is_private=is_private)

    def keep_question(
        self,
        text: str,
        answer: Answer,
        *,
        place: Place,
        user_id: str,
        message_ts: str,
        now: datetime,
    ) -> Question:
        """The stored question; the same (channel, message_ts) is stored once."""
        kept = self._store.questions.keep(
            redact(text)[0],
            place=place,
            user_id=user_id,
            message_ts=message_ts,
            verdict=answer.verdict,
            shown=[hit.failure.number for hit in answer.shown()],
            now=now,
            model=pair_name(answer.basis.model, answer.basis.reranker) if answer.basis else "",
            runner_up=answer.runner_up,
        )
        self.when_answered(answer)
        return kept

    def question(self, id: int, *, team_id: str) -> Question:
        """What was asked. :raises NotFoundError: it is not kept any more."""
        return self._store.questions.get(id, team_id=team_id)

    def give_feedback(self, feedback: Feedback, *, viewer: Viewer) -> None:
        """Keeps a reader's word on a shown hit; the latest word of one person counts.
        :raises NotFoundError: unknown question, or the failure is not visible to the viewer."""
        failure = self.show(feedback.number, viewer=viewer)
        self._store.questions.give_feedback(feedback, team_id=viewer.team_id)
        if feedback.helped:
            grown = growing.question_of(failure, feedback, store=self._store, matcher=self._matcher)
            if grown is not None:
                self.keep_expected(
                    failure.number,
                    [grown.text],
                    QuestionOrigin.ASKER,
                    by=grown.user_id,
                    viewer=Viewer(team_id=failure.team_id, is_operator=True),
                    now=feedback.at,
                )

    def digest(self, *, audience: Viewer, now: datetime, week: str = "") -> Digest:
        """The digest of the seven days that end at `now`, of what this audience may see."""
        since = now - WINDOW
        questions = self._store.questions.asked(viewer=audience, since=since, before=now)
        feedback = self._store.questions.feedback(viewer=audience, since=since, before=now)
        numbers = {number for one in questions for number in one.shown}
        numbers |= {one.number for one in feedback}
        return compose(
            week=week or week_of(now, "UTC"),
            recent=self._store.failures.newest(
                viewer=audience, limit=10_000, since=now - PATTERN_WINDOW, before=now
            ),
            since=since,
            questions=questions,
            feedback=feedback,
            failures=self._store.failures.at(sorted(numbers), viewer=audience),
        )

    def set_schedule(self, schedule: Schedule) -> None:
        """One for each channel: a new one takes the place of the old."""
        self._store.digests.set_schedule(schedule)

    def drop_schedule(self, *, team_id: str, channel_id: str) -> bool:
        """Whether there was one."""
        return self._store.digests.drop_schedule(team_id=team_id, channel_id=channel_id)

    def schedule_of(self, *, team_id: str, channel_id: str) -> Schedule | None:
        schedules = self._store.digests.schedules(team_id=team_id)
        return next((one for one in schedules if one.channel_id == channel_id), None)

    def channels(self, team_id: str) -> list[str]:
        """Channels that hold entries: those whose membership matters for a guest."""
        return self._store.failures.channels(team_id)

    def follow(self, channel_id: str, access: Access, *, team_id: str) -> list[Failure]:
        """What was written in this channel is seen as Slack now says; the failures that changed.

        What shows them in Slack is made again for whoever reads it there.
        """
        changed = self._store.visibilities.follow(channel_id, access, team_id=team_id)
        for failure in changed:
            self._store.shown.recall(failure.number, team_id=team_id)
        return changed

    def followed(self, *, is_unsure: bool = False) -> list[tuple[str, str]]:
        """The workspaces and channels on which it hangs who sees something."""
        return self._store.visibilities.followed(is_unsure=is_unsure)

    def detach(self, channel_id: str, *, team_id: str) -> None:
        """What is the workspace's of this channel, which is deleted, stays the workspace's."""
        self._store.visibilities.detach(channel_id, team_id=team_id)

    def publish(self, number: int, *, viewer: Viewer) -> Failure:
        """The failure, given to the workspace by its author.

        :raises NotFoundError: :raises NotAllowedError: the viewer did not write it.
        """
        whose = {"team_id": viewer.team_id, "author_id": viewer.user_id}
        try:
            published = self._store.visibilities.publish(number, **whose)
        except NotFoundError:
            theirs = self.show(number, viewer=viewer).reference
            raise NotAllowedError(f"Only the author of {theirs} can publish it.") from None
        self._store.shown.recall(number, team_id=viewer.team_id)
        return published

    def private_channels(self, team_id: str) -> list[str]:
        """Private channels that hold entries: those whose membership matters for a member."""
        return self._store.failures.private_channels(team_id)

    def rescan(self, *, viewer: Viewer, dry_run: bool = False) -> rescanning.Rescan:
        """Takes out what older rules let in: of all that this viewer sees, older versions too.

        Each entry is one transaction; with `dry_run` nothing is changed. Idempotent. Vectors of
        what was changed follow in the background.
        """
        done = rescanning.rescan(self._store, viewer=viewer, dry_run=dry_run)
        self._embedder.wake()
        self.erasing.wake()
        return done

    def embed_missing(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Embeds what has no vectors of the current model yet; how many. Waits for the model.

        Resumable: each batch is committed. `progress(done, total)` counts all failures.
        """
        return self._embedder.embed_missing(progress)

    def measure_nulls(self) -> None:
        """Measures what a stranger looks like in each workspace, where that is missing or outgrown.

        For the background: it asks up to 100 questions. Waits for the model.
        :raises StoppedError: the process stops.
        """
        name = self._embedder.name()
        for team_id in self._store.failures.teams():
            measure(self._store, team_id, model=name, ask=self._ask_without)

    def _ask_without(self, text: str, viewer: Viewer, hidden: Collection[int]) -> Answer:
        if self._stop.is_set():
            raise StoppedError
        return self._matcher.answer(
            text, viewer=viewer, patience_s=0.0, limit=1, hidden=hidden, reads=False
        )

    def move_to(self, source: EncoderSource) -> int:
        """Embeds everything with this model, then switches over; how many. This service follows.

        Resumable. :raises ModelError: it cannot be used. :raises StoppedError: the process stops.
        """
        return Embedder(self._store, source, stop=self._stop).reindex()

    def reindex(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Embeds everything with the model that is set, then switches the searches over to it.

        Resumable, and harmless to a process that serves meanwhile. How many were embedded.
        """
        return self._embedder.reindex(progress)


def _refuse_stranger(user_id: str, *, viewer: Viewer, is_admin: bool) -> None:
    """:raises NotAllowedError: the viewer is neither this person nor an admin."""
    if not (is_admin or viewer.is_operator or viewer.user_id == user_id):
        raise NotAllowedError("Only this person or a workspace admin can have them forgotten.")
