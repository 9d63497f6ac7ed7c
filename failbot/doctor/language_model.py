"""Whether the language model answers, and what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from failbot.config import Config
from failbot.doctor.check import Check, fail, ok, warn

if TYPE_CHECKING:
    from failbot.reader.base import Stats
    from failbot.reader.language_model import LanguageModel
    from failbot.store.base import Store

USE_DAYS = 30


def language_model(config: Config, *, tries: bool) -> Iterator[Check]:
    """The one that is set, asked about a made-up entry if it `tries`; nothing where none is set."""
    from failbot.bootstrap import language_model as made
    from failbot.reader.addresses import is_local_host
    from failbot.reader.chat import Endpoint

    model = made(config)
    if model is None:
        return
    host = Endpoint(url=config.llm_url, model=config.llm_model).host
    is_local = is_local_host(host) if tries else True
    if not is_local and config.llm_url.lower().startswith("http://"):
        yield warn("language model", f"{host} is elsewhere and http is not encrypted; use https")
    sees = "private entries too" if is_local or config.llm_private else "no private entries"
    if not tries:
        yield ok("language model", f"{config.llm_model} at {host}, not tried")
        return
    yield _tried(model, f"{config.llm_model} at {host}, which sees {sees}")


def _tried(model: LanguageModel, what: str) -> Check:
    """One made-up question about one made-up entry: nothing of anybody's is sent."""
    from failbot.errors import ReaderError
    from failbot.reader.base import Passage

    entry = Passage(
        number=1,
        version=1,
        text="Tried: Halved the warm-up. Happened: The loss became NaN.",
        is_private=False,
    )
    try:
        readings = model.read("loss is NaN after a short warm-up", [entry], is_private=False)
    except ReaderError as error:
        said = f" ({error.details})" if error.details else ""
        return fail("language model", f"{what}: {error}{said}. Until then the score decides.")
    stats = model.stats()
    judged = next((one.judgement.value for one in readings.values()), "nothing")
    return ok(
        "language model",
        f"{what}: {judged!r} in {stats.seconds:.1f} s, {stats.prompt_tokens:,} + "
        f"{stats.completion_tokens:,} tokens, form {stats.form}",
    )


def language_model_use(store: Store) -> Iterator[Check]:
    """What the language models were asked, by all processes: today and in 30 days (UTC)."""
    now = datetime.now(UTC)
    month = store.use.since(now.date() - timedelta(days=USE_DAYS - 1))
    waiting = store.wanted.waiting()
    if not (month or waiting):
        return
    today = [one.stats for one in month if one.day == now.date()]
    words = (
        f"today {_asked(today)}; in {USE_DAYS} days {_asked([one.stats for one in month])}; "
        f"{waiting:,} entries wait for their expected questions"
    )
    last = max(month, key=lambda one: one.reported_at, default=None)
    if last is None or not last.stats.is_open:
        yield ok("language model use", words)
    else:
        yield warn(
            "language model use",
            f"{words}; {last.model} failed several times in a row, as of "
            f"{last.reported_at:%Y-%m-%d %H:%M} UTC: answers go by the score until it is back",
        )


def _asked(stats: Sequence[Stats]) -> str:
    def total(name: str) -> str:
        return f"{sum(getattr(one, name) for one in stats):,}"

    return (
        f"{total('calls')} calls ({total('failed')} failed, {total('refused')} not sent), "
        f"{total('cached')} readings from the cache, "
        f"{total('prompt_tokens')} + {total('completion_tokens')} tokens"
    )
