"""The vectors of what is recorded: made, kept current, and made anew by another model."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol

import numpy as np

from failbot.encoder.base import Encoder
from failbot.errors import FailbotError, ModelError, ModelMismatchError, StoppedError
from failbot.models import Failure
from failbot.search.passages import text_of, title_of
from failbot.search.signals import quantise
from failbot.search.values import Embedding, Encoding, Expected
from failbot.store import base
from failbot.store.embedding import ActiveModel, Unembedded
from failbot.threads import Stop

log = logging.getLogger(__name__)

BATCH = 64  # failures embedded between two commits
FRESH = 4  # of this process's own latest, that a question embeds before it is answered: 40 ms
PART = 8  # failures embedded between two looks whether the process stops
# How often a serving process looks for entries that another process wrote and did not embed.
SWEEP_S = 60.0

# Told a workspace's id, and the numbers of its failures that can be found by their meaning from
# now on. It is called by whichever thread embedded them, and returns at once: a person may wait.
OnFindable = Callable[[str, Sequence[int]], None]


class EncoderSource(Protocol):
    """Where the model comes from: it loads in the background."""

    @property
    def setting(self) -> str:
        """What names the model: `FAILBOT_MODEL`."""

    def wait(self, timeout_s: float | None) -> Encoder | None:
        """The encoder, or None when it is not ready in time; with None it waits as long as needed.

        :raises ModelError: if it cannot be loaded.
        """

    def switch(self, setting: str) -> None:
        """Loads another model in place of this one; nothing happens when it already does."""


class Embedder:
    """Keeps one store's vectors those of one model. Any thread may call it."""

    def __init__(
        self, store: base.Store, source: EncoderSource, *, stop: Stop | None = None
    ) -> None:
        """:param stop: the process's; embedding ends between two parts of a batch."""
        self._store = store
        self._source = source
        self._stop = stop or Stop()
        self._told: list[OnFindable] = []
        self.fault = ""  # why the model cannot be used, as far as anybody has tried
        self._woken = threading.Event()
        self._embedding = threading.Lock()  # one thread embeds at a time
        # Whether the stored vectors were once this process's model's. Another process, or this
        # one, may go over to a new model before the first question is asked.
        active = store.embeddings.active()
        self._has_matched = active is not None and active.setting == source.setting
        self._fresh: deque[tuple[str, int]] = deque(maxlen=FRESH)  # team and number

    def on_findable(self, told: OnFindable) -> None:
        """From now on `told` hears what becomes findable, after its vectors are committed.

        In the process that embeds, once for each version of a failure, and again when its expected
        questions have changed. `reindex` tells of what is written meanwhile only: all else could
        be found before. What `told` raises is logged.
        """
        self._told.append(told)

    def wake(self) -> None:
        """Something was written, or `keep_embedding` is to end."""
        self._woken.set()

    def keep_embedding(self, ending: threading.Event, *, after: Callable[[], None]) -> None:
        """Embeds whatever is written, until `ending` is set; `wake` after that.

        :param after: called whenever all that is there has its vectors.
        """
        while not ending.is_set():
            self._woken.clear()
            try:
                self.embed_missing()
                after()
            except StoppedError:
                return
            except FailbotError as error:
                log.warning("entries are not embedded: %s", error)
            # Set between the look above and here, `ending` comes with a `wake`: nothing is missed.
            if not ending.is_set():
                self._woken.wait(SWEEP_S)

    def embed_missing(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Embeds what has no vectors of the current model yet; how many. Waits for the model.

        :raises ModelMismatchError: the stored vectors are another model's.
        :raises StoppedError: the process stops; what was committed until then stays.
        """
        encoder = self.encoder(None)
        assert encoder is not None  # no time limit: it is there, or wait has raised
        return self._embed(encoder, progress)

    def reindex(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Embeds everything with the model that is set, then switches the searches over to it."""
        encoder = self._source.wait(None)
        assert encoder is not None  # as above
        count = self._embed(encoder, progress, tells=False)
        self._activate(encoder)
        return count + self._embed(encoder, progress)  # what was written meanwhile

    def encoder(self, patience_s: float | None) -> Encoder | None:
        """The encoder of the stored vectors, None when it is not ready in time.

        A process that has served with one model follows when `reindex` in another process
        switches the store to a new one. :raises ModelError: it cannot be used.
        :raises ModelMismatchError: it was another from the start.
        """
        try:
            found = self._matching(patience_s)
        except ModelError as error:
            self.fault = str(error)
            raise
        self.fault = "" if found is not None else self.fault
        return found

    def _matching(self, patience_s: float | None) -> Encoder | None:
        setting = self._source.setting  # before waiting: another thread may switch it meanwhile
        encoder = self._source.wait(patience_s)
        active = self._store.embeddings.active()
        if encoder is None or (active is not None and active.name == encoder.name):
            self._has_matched = self._has_matched or encoder is not None
            return encoder
        if active is None:
            self._activate(encoder)
            return encoder
        if self._has_matched and setting != active.setting:
            log.info("the store now holds vectors of %s: loading it", active.name)
            self._source.switch(active.setting)
            return self._matching(patience_s)
        raise ModelMismatchError(
            f"The stored vectors are of the model {active.name}, not of {encoder.name}. "
            "Run `failbot reindex` with the same settings, or set FAILBOT_MODEL back."
        )

    def _activate(self, encoder: Encoder) -> None:
        self._store.embeddings.activate(
            ActiveModel(name=encoder.name, setting=self._source.setting)
        )
        self._has_matched = True

    def name(self) -> str:
        """The name of the model whose vectors are searched. Waits for it; raises as `encoder`."""
        encoder = self.encoder(None)
        assert encoder is not None  # as above
        return encoder.name

    def expect(self, failure: Failure) -> None:
        """The next question is to find this failure, which was recorded a moment ago."""
        self._fresh.append((failure.team_id, failure.number))

    def catch_up(self, encoder: Encoder, *, until: float) -> None:
        """Embeds what is expected, at most `FRESH` failures; all others are the background's.

        :param until: monotonic seconds; from then on nothing is begun.
        """
        fresh = [self._fresh.popleft() for _ in range(len(self._fresh))]
        missing = self._store.embeddings.missing(encoder.name, limit=FRESH, among=fresh)
        for one in missing:
            if time.monotonic() < until:
                self._tell(self._store.embeddings.put(encoder.name, _embeddings(encoder, [one])))

    def is_complete(self, encoder: Encoder) -> bool:
        """Whether every failure has its vectors; else some are compared by their words alone."""
        return self._store.embeddings.is_complete(encoder.name)

    def _embed(
        self,
        encoder: Encoder,
        progress: Callable[[int, int], None] | None,
        *,
        tells: bool = True,
    ) -> int:
        total = 0
        while count := self._embed_batch(encoder, tells=tells):
            total += count
            if progress is not None:
                progress(*self._store.embeddings.progress(encoder.name))
        return total

    def _embed_batch(self, encoder: Encoder, *, tells: bool) -> int:
        """How many were missing; their vectors are committed, and whoever listens is told."""
        embeddings = self._store.embeddings
        with self._embedding:
            missing = embeddings.missing(encoder.name, limit=BATCH)
            kept = embeddings.put(encoder.name, self._made(encoder, missing)) if missing else []
        if tells:
            self._tell(kept)
        return len(missing)

    def _made(
        self, encoder: Encoder, missing: Sequence[Unembedded]
    ) -> list[tuple[Unembedded, Embedding]]:
        """:raises StoppedError: a batch may take longer than the process's end may."""
        made: list[tuple[Unembedded, Embedding]] = []
        for at in range(0, len(missing), PART):
            if self._stop.is_set():
                raise StoppedError
            made += _embeddings(encoder, missing[at : at + PART])
        return made

    def _tell(self, findable: Sequence[Unembedded]) -> None:
        for team_id in sorted({one.team_id for one in findable}):
            numbers = [one.number for one in findable if one.team_id == team_id]
            for told in self._told:
                try:
                    told(team_id, numbers)
                except Exception:  # what listens must not end the embedding, or another's question
                    log.exception("%d findable entries of %s are not told", len(numbers), team_id)


def _embeddings(
    encoder: Encoder, missing: Sequence[Unembedded]
) -> list[tuple[Unembedded, Embedding]]:
    texts = [text_of(one.draft) for one in missing]
    wholes = encoder.encode(texts)
    titles = encoder.encode([title_of(one.draft) for one in missing])
    expected = _expected(encoder, missing)
    return [
        (one, _embedding(whole, title, text, beside))
        for one, whole, title, text, beside in zip(
            missing, wholes, titles, texts, expected, strict=True
        )
    ]


def _expected(encoder: Encoder, missing: Sequence[Unembedded]) -> Iterator[Expected | None]:
    """Each failure's expected questions, encoded as the questions that they will be compared with.

    One without a word is left out: it would be like nothing, and like everything.
    """
    texts = [text for one in missing for text in one.questions]
    told = iter(map(telling, encoder.encode(texts, kind="query") if texts else [], texts))
    for one in missing:
        made = [each for each in islice(told, len(one.questions)) if len(each.tokens)]
        yield together(made) if made else None


def together(made: Sequence[Encoding]) -> Expected:
    """Several questions' encodings, each with a token, as they are stored beside an entry."""
    return Expected(
        vectors=np.stack([one.sentence for one in made]).astype(np.float16),
        tokens=quantise(np.concatenate([one.tokens for one in made])),
        token_ids=np.concatenate([one.token_ids for one in made]),
        lengths=np.array([len(one.tokens) for one in made], np.int32),
    )


def _embedding(whole: Encoding, title: Encoding, text: str, expected: Expected | None) -> Embedding:
    told = telling(whole, text)
    return Embedding(
        vectors=np.stack([whole.sentence, title.sentence]),
        tokens=quantise(told.tokens),
        token_ids=told.token_ids,
        starts=told.starts,
        expected=expected,
    )


def telling(encoding: Encoding, text: str) -> Encoding:
    """The encoding without its tokens of punctuation: a sixth of them, and they tell nothing.

    On the sample questions no figure moves by more than a quarter of a point when entry and
    question both go without; for the entry alone MRR falls by 1.5.
    """
    first = [text[start : start + 1] for start in encoding.starts]
    kept = np.array([one.isalnum() or one.isspace() for one in first], np.bool_)
    if not kept.any():
        return encoding
    return replace(
        encoding,
        tokens=encoding.tokens[kept],
        token_ids=encoding.token_ids[kept],
        starts=encoding.starts[kept],
    )
