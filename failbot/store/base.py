"""The contract of a store, in words; every backend passes tests/contract unchanged.

All methods may be called from any thread and from several processes at once. A method that
writes has committed when it returns, and has changed nothing when it raises. Times are aware UTC.
Every method that reads entries takes a `Viewer`, and what that viewer may not see does not
exist for it. Texts come back as UTF-8 can hold them: a lone surrogate is a question mark, NUL is
gone. After `close` every method raises StoreError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from failbot.models import (
    Access,
    Draft,
    ExpectedQuestion,
    Failure,
    Feedback,
    Place,
    Question,
    Schedule,
    Verdict,
    Version,
    Viewer,
)
from failbot.search.calibration import Calibration
from failbot.search.values import Candidate, Corpus, Vector
from failbot.store.embedding import Embeddings
from failbot.store.erasing import Erasures, Imports
from failbot.store.writing import ModelUse, WantedQuestions


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job taken from the inbox, to be finished, or released, before its lease ends."""

    id: int
    kind: str
    team_id: str
    payload: dict[str, object]
    attempts: int  # 1 the first time
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """A job that could not be done, and why, in words for whoever runs failbot."""

    job: Job
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How much is waiting, and for how long; None where nothing is."""

    waiting: int  # jobs that are not finished
    oldest_at: datetime | None  # when the oldest of them came
    due_at: datetime | None  # when the first is, or was, to be taken
    given_up: int


class Failures(Protocol):
    """Entries, their versions and what makes them findable."""

    def record(
        self,
        draft: Draft,
        *,
        place: Place,
        author_id: str,
        now: datetime,
        source: str = "",
        expected: Sequence[ExpectedQuestion] = (),
        wants: bool = False,
    ) -> tuple[Failure, bool]:
        """The recorded failure with its `expected` questions, and whether it is new.

        Numbers run from 1 in each workspace and are never given twice. The same `source` (a
        view, say) or the same non-empty `external_id` in one workspace is the same failure, as
        long as it is not deleted: the first is returned, unchanged; where each names another, the
        one of this source. :param wants: a new one joins `WantedQuestions`.
        """

    def revise(
        self,
        number: int,
        draft: Draft,
        *,
        viewer: Viewer,
        by: str,
        now: datetime,
        wants: bool = False,
    ) -> Failure:
        """The failure with its new text; the version before it is kept.

        An unchanged draft makes no version. :param wants: a new one joins `WantedQuestions`.
        :raises NotFoundError: if the viewer sees no such one.
        :raises StoreError: if another failure of the workspace has this external id.
        """

    def amend(self, number: int, change: Callable[[Draft], Draft], *, viewer: Viewer) -> bool:
        """Puts `change` of each version's draft in that draft's place; whether any differs.

        What stood there before is gone, in one transaction: no version keeps it, its vectors and
        words go too, and vectors that are being made of it are refused. An `external_id` that
        another failure has by now becomes empty. :raises NotFoundError:
        """

    def delete(self, number: int, *, viewer: Viewer) -> None:
        """Removes entry, versions, expected questions, vectors, words and feedback in one
        transaction.

        :raises NotFoundError: if the viewer sees no such one (a second call, too).
        """

    def set_card(self, number: int, *, team_id: str, message_ts: str) -> None:
        """Remembers the message that shows the failure in its channel; nothing if it is gone."""

    def get(self, number: int, *, viewer: Viewer) -> Failure:
        """:raises NotFoundError: if the viewer sees no such one."""

    def versions(self, number: int, *, viewer: Viewer) -> list[Version]:
        """Oldest first; the last is the failure as it is. :raises NotFoundError:"""

    def newest(
        self,
        *,
        viewer: Viewer,
        limit: int,
        author_id: str = "",
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[Failure]:
        """By creation, newest first, of one moment the highest number first.

        `since` is inclusive, `before` exclusive. :param author_id: only that person's.
        """

    def count(self, *, viewer: Viewer, author_id: str = "") -> int: ...

    def search(self, text: str, *, viewer: Viewer, limit: int) -> list[Failure]:
        """Full-text search: all words that tell must occur, in any of their forms.

        Best first by BM25: of one word, more often and in a shorter entry; ties by number.

        The words are `search.words.words`, as a question's; none that tells finds nothing, and no
        text is a syntax error.
        """

    def channels(self, team_id: str) -> list[str]:
        """The ids of channels that hold at least one entry, sorted; no direct messages."""

    def private_channels(self, team_id: str) -> list[str]:
        """The ids of private channels that hold at least one entry, sorted."""

    def teams(self) -> list[str]:
        """The ids of workspaces in which a failure was ever recorded, sorted; one whose entries
        another adopted is none."""

    def adopt(self, team_id: str, *, source_team_id: str) -> int:
        """Moves the entries of `source_team_id` into the still empty `team_id`; how many.

        Versions, vectors, questions, feedback and calibrations go with them; schedules, digests and
        jobs stay. Numbers run on. 0 and no change when there is no entry to move or `team_id`
        holds entries.

        :raises StoreError: if both hold a question of the same channel and message.
        """

    def record_many(
        self,
        drafts: Sequence[Draft],
        *,
        place: Place,
        author_id: str,
        now: datetime,
        expected: Sequence[Sequence[ExpectedQuestion]] = (),
        wants: bool = False,
    ) -> list[tuple[Failure, bool]]:
        """As `record` for each, in one transaction: all of them or none.

        :param expected: each draft's questions, or nothing at all.
        """

    def at(self, numbers: Sequence[int], *, viewer: Viewer) -> dict[int, Failure]:
        """The failures of these numbers that the viewer sees, by number."""


class ExpectedQuestions(Protocol):
    """How someone would ask about an entry; seen, hidden and deleted as the entry is."""

    def of(
        self, numbers: Sequence[int], *, viewer: Viewer
    ) -> dict[int, tuple[ExpectedQuestion, ...]]:
        """Those of these failures by number, in their order; no key where there are none, or
        where the viewer does not see the failure.

        What someone asked was asked in a place of its own: a viewer who does not see the
        workspace is not shown it.
        """

    def change(
        self,
        number: int,
        change: Callable[[tuple[ExpectedQuestion, ...]], tuple[ExpectedQuestion, ...]],
        *,
        viewer: Viewer,
    ) -> tuple[ExpectedQuestion, ...]:
        """They become what `change`, which is pure, makes of those that the viewer is shown; the
        result. Those that they are not shown stay behind it.

        The failure keeps its version. :raises NotFoundError: if the viewer sees no such failure.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNull:
    """The log odds that a workspace's own sentences reach, and how many entries it then had."""

    entries: int
    level: float


class Calibrations(Protocol):
    """What workspaces fitted to their own questions, for each model and reranker; and what was
    measured in them without labels."""

    def current(self, team_id: str, *, model: str, reranker: str = "") -> Calibration | None:
        """The latest that was kept and not undone; None where there is none."""

    def keep(self, calibration: Calibration, *, team_id: str, now: datetime) -> None:
        """It is in force for its model and reranker; the one before it stays beneath."""

    def undo(self, team_id: str, *, model: str, reranker: str = "") -> bool:
        """The one before is in force again; False when there was none to remove."""

    def null(self, team_id: str, *, model: str) -> StoredNull | None:
        """What was measured last; None where nothing was."""

    def keep_null(self, null: StoredNull, *, team_id: str, model: str) -> None:
        """In place of what was measured before."""


class Search(Protocol):
    """Candidates for a question, filtered by the viewer inside the query."""

    def candidates(
        self,
        words: Sequence[str],
        *,
        viewer: Viewer,
        vector: Vector | None,
        by_vector: int,
        by_words: int,
    ) -> list[Candidate]:
        """The nearest `by_vector` by inner product with the active model's vectors, united with
        the best `by_words` that hold a word, by BM25 over all of the workspace's entries.

        An entry is as near as the nearest of row 0 and the vectors of its expected questions. Only
        what the viewer sees counts towards either limit. By number, none twice. With no vector, or
        before a model is active, by words alone.
        """

    def size(self, viewer: Viewer) -> int:
        """How many entries this viewer's questions are searched in: all that it sees."""

    def corpus(self, team_id: str) -> Corpus:
        """The workspace's statistics over all its entries, whoever sees them; of tokens, over
        those that have vectors of the active model."""


class Questions(Protocol):
    """What was asked, what was shown, and what readers made of it."""

    def keep(
        self,
        text: str,
        *,
        place: Place,
        user_id: str,
        message_ts: str,
        verdict: Verdict,
        shown: Sequence[int],
        now: datetime,
        model: str = "",
        runner_up: float | None = None,
    ) -> Question:
        """The stored question; the same (team, channel, non-empty message_ts) is stored once.

        Its place counts as what it is taken for: it is kept as sure.
        """

    def get(self, id: int, *, team_id: str) -> Question:
        """:raises NotFoundError:"""

    def amend(self, id: int, text: str, *, team_id: str) -> None:
        """Puts this text in the place of the question's; nothing happens if there is none."""

    def asked(
        self, *, viewer: Viewer, since: datetime, before: datetime, verdict: Verdict | None = None
    ) -> list[Question]:
        """Questions whose place this viewer sees, oldest first; `since` inclusive, `before`
        exclusive."""

    def runner_ups(self, team_id: str, *, model: str, limit: int) -> list[float]:
        """Those of the questions answered with this model that have one, newest first."""

    def give_feedback(self, feedback: Feedback, *, team_id: str) -> None:
        """Keeps the word; a person's latest on one hit of one question counts.
        :raises NotFoundError: no such question or failure."""

    def feedback(self, *, viewer: Viewer, since: datetime, before: datetime) -> list[Feedback]:
        """On failures and questions that the viewer sees, oldest first; `since` inclusive,
        `before` exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to post one channel's digest of one week until the lease ends."""

    team_id: str
    channel_id: str
    week: str
    attempts: int  # 1 the first time; more means that an earlier holder may have posted it


class Digests(Protocol):
    """Schedules, and one claim row for each channel and ISO week."""

    def set_schedule(self, schedule: Schedule) -> None: ...

    def drop_schedule(self, *, team_id: str, channel_id: str) -> bool:
        """Whether there was one."""

    def schedules(self, *, team_id: str = "") -> list[Schedule]:
        """Of this workspace, or of all, by workspace and channel."""

    def claim(
        self, *, team_id: str, channel_id: str, week: str, now: datetime, lease_s: float
    ) -> Claim | None:
        """The claim, or None while another's lease lasts (until, not at, its end) or when the week
        is done."""

    def finish(self, claim: Claim, *, message_ts: str) -> None:
        """The week is done, and its part of the outbox empty; nothing happens where another has
        claimed it since. An empty message_ts says that there was nothing to post."""

    def last_posted_at(self) -> datetime | None:
        """When the latest digest of any channel was posted, by its ts; None before the first."""


class Inbox(Protocol):
    """What came in and is not answered yet."""

    def add(
        self,
        kind: str,
        payload: dict[str, object],
        *,
        team_id: str,
        keys: Sequence[str],
        now: datetime,
        channel_id: str = "",
    ) -> bool:
        """Commits the job; False, and nothing stored, if any of the keys was added, by whatever
        workspace, within the last 8 days (their end included). Without keys it is always new.

        :param payload: JSON values; they come back as JSON holds them.
        :param channel_id: for whose readers it is; jobs of other channels do not wait for it.
        """

    def claim(
        self,
        *,
        now: datetime,
        lease_s: float,
        only: Collection[str] = (),
        never: Collection[str] = (),
        held: Collection[int] = (),
    ) -> Job | None:
        """Of the jobs that are due at `now`, one of the channel of which the fewest are held; of
        those the one that has been due for longest, ties by age.

        A job is due from its arrival on; once claimed, from the end of its lease on; once released,
        from its `retry_at` on. It is held while its lease lasts.
        :param only: kinds of jobs to take; all, where none is named.
        :param never: kinds to leave.
        :param held: ids that this process is still at work on, whatever became of their lease.
        """

    def hold(self, job: Job, *, until: datetime) -> None:
        """Makes the lease longer; nothing happens when it is finished, or another's by now."""

    def finish(self, job: Job) -> None:
        """Removes it, and its part of the outbox; its keys stay. Nothing happens when it is
        another's by now."""

    def release(self, job: Job, *, retry_at: datetime) -> None:
        """Gives it back, to be taken at that time; nothing happens when it is another's by now."""

    def waiting(self) -> int:
        """How many jobs are not finished."""

    def backlog(self) -> Backlog: ...

    def give_up(self, job: Job, *, reason: str, now: datetime) -> None:
        """Takes it out of the inbox and keeps it for 30 days; nothing happens when it is finished.

        What was given up more than 30 days ago goes.
        """

    def given_up(self) -> list[GivenUp]:
        """Oldest first."""

    def retry(self, id: int, *, now: datetime) -> bool:
        """Puts what was given up back into the inbox, as if it came at `now`; whether there was
        such a job. Its attempts count on: whoever takes it looks for what was sent before."""

    def drop(self, id: int) -> bool:
        """Forgets what was given up; whether there was such a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What the outbox knows of a message that is about to be sent.

    `message_ts` is None until it is known to be sent; `is_repeated`: it may have been, for an
    earlier attempt began to send it, and nobody knows how that ended.
    """

    is_repeated: bool
    message_ts: str | None


class Outbox(Protocol):
    """Which messages of a job, or of a digest, have been sent.

    Each message has a name within its job, its step. A step is begun before its message leaves
    and marked once Slack is known to have it, so that a job that is done again sends the rest.
    """

    def begin(self, holder: Job | Claim, step: str, *, until: datetime) -> Begun:
        """What is known of the step, which counts as begun from now on; commits.

        In the same transaction the holder's lease is made longer.
        :raises TakenOverError: another holds it by now, or it is finished: nothing may be sent.
        """

    def mark_sent(self, holder: Job | Claim, step: str, *, message_ts: str) -> None:
        """Slack has it; nothing happens where another holds it by now."""

    def withdraw(self, holder: Job | Claim, step: str) -> None:
        """It did not leave: the step counts as not begun. Nothing happens where another holds it
        by now."""


class MessageKind(StrEnum):
    """What a message in Slack that shows entries is."""

    CARD = "card"
    ANSWER = "answer"
    DIGEST = "digest"
    DETAILS = "details"  # a digest's, in its thread
    NOTE = "note"  # to one person


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A message in Slack, and the numbers of the failures that it shows.

    `about` is an answer's question id, or a digest's week.
    """

    team_id: str
    channel_id: str
    message_ts: str
    kind: MessageKind
    numbers: tuple[int, ...]
    posted_at: datetime
    about: str = ""


class ShownMessages(Protocol):
    """Messages in Slack that show entries; each is known until it shows none any more.

    A message is stale when an entry that it shows is gone, or was recalled.
    """

    def remember(self, message: ShownMessage) -> None:
        """It shows these, besides what it is known to show; one that is gone makes it stale."""

    def of(self, number: int, *, team_id: str) -> list[ShownMessage]:
        """Those that show this failure, oldest first, each with all that it shows."""

    def recall(self, number: int, *, team_id: str) -> int:
        """Makes every message that shows this failure stale; how many do."""

    def stale(self, *, limit: int) -> list[ShownMessage]:
        """Of all workspaces, oldest first, each with all that it shows."""

    def settle(self, message: ShownMessage, *, still: Collection[int]) -> None:
        """It shows `still` and no more, and is not stale; with none it is forgotten.

        A failure of `still` that is gone by now makes it stale again.
        """


class Visibilities(Protocol):
    """What becomes of entries and questions when others may read their channel."""

    def follow(self, channel_id: str, access: Access, *, team_id: str) -> list[Failure]:
        """What was written in this channel is seen as Slack now says; the failures that changed,
        by number.

        An unsure one becomes the workspace's where the channel is, and sure where Slack says
        what it is. What is the workspace's becomes the channel's where that is private now, and
        unsure where Slack hides it; questions, too. Nothing that is sure becomes the workspace's
        again, and what was published stays what it is.
        """

    def publish(self, number: int, *, team_id: str, author_id: str) -> Failure:
        """The failure, the workspace's from now on, wherever it was written.

        :raises NotFoundError: if this author wrote no such one.
        """

    def detach(self, channel_id: str, *, team_id: str) -> None:
        """What is the workspace's of this channel stays so: the channel is gone."""

    def followed(self, *, is_unsure: bool = False) -> list[tuple[str, str]]:
        """The workspaces and channels on which it hangs who sees something, sorted.

        :param is_unsure: only those of failures of which Slack has yet to say it.
        """


class Store(Protocol):
    """The parts together; `close` may be called twice."""

    @property
    def failures(self) -> Failures: ...

    @property
    def expected(self) -> ExpectedQuestions: ...

    @property
    def visibilities(self) -> Visibilities: ...

    @property
    def embeddings(self) -> Embeddings: ...

    @property
    def calibrations(self) -> Calibrations: ...

    @property
    def search(self) -> Search: ...

    @property
    def questions(self) -> Questions: ...

    @property
    def digests(self) -> Digests: ...

    @property
    def inbox(self) -> Inbox: ...

    @property
    def imports(self) -> Imports: ...

    @property
    def erasures(self) -> Erasures: ...

    @property
    def wanted(self) -> WantedQuestions: ...

    @property
    def use(self) -> ModelUse: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def shown(self) -> ShownMessages: ...

    def migrations(self) -> list[tuple[str, bool]]:
        """The names of the applied ones, oldest first, and whether this opening applied each: all
        of a new store's, none of one that was opened before by the same failbot."""

    def back_up(self, path: Path) -> dict[str, int]:
        """Writes a copy that opens as a store; reading and writing go on meanwhile.

        It was read again when this returns: how many `failures`, `questions` and so on it holds.
        :raises StoreError: if the file is there already, cannot be written, or does not hold what
            the store did; none is left then.
        """

    def check(self) -> None:
        """:raises StoreError: if the store is closed, does not answer or is damaged."""

    def close(self) -> None: ...
