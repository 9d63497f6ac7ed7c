"""The only place that wires concrete parts together."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from failbot.config import DEFAULT_MODEL, Config
from failbot.encoder.background import BackgroundEncoder
from failbot.encoder.loading import Loading
from failbot.encoder.reranker import Reranker, background_reranker
from failbot.errors import FailbotError, InputError, StoppedError
from failbot.memory import redact
from failbot.memory.redact import team
from failbot.memory.service import Service
from failbot.reader.base import NoReader, Reader, Stats
from failbot.reader.chat import Chat, Completing, Endpoint, warm_up
from failbot.reader.language_model import LanguageModel
from failbot.reader.tape import Recorder, Replayer
from failbot.reader.verdicts import Verdicts, verdict_files
from failbot.store.base import Store
from failbot.threads import Stop, Worker

log = logging.getLogger(__name__)

REPORT_S = 60.0  # how often a serving process says how much its language model was asked
PATIENT_S = 120.0  # for a reading that is recorded: nobody waits, and a small machine is slow


class Runtime(AbstractContextManager["Runtime"]):
    """The wired parts, and what they started: all of it ends, last in first out, on leaving."""

    def __init__(
        self,
        config: Config,
        store: Store,
        service: Service,
        encoder: BackgroundEncoder,
        *,
        reranker: Loading[Reranker] | None = None,
        reader: Reader | None = None,
        stop: Stop,
        owns_stop: bool,
        moving_to: BackgroundEncoder | None = None,
    ) -> None:
        """:param owns_stop: whether `stop` is this runtime's alone, and set when it is closed.

        :param moving_to: the new default model, while the memory still holds an earlier one's
            vectors.
        """
        self.config = config
        self.store = store
        self.service = service
        self.encoder = encoder
        self.reranker = reranker
        self.reader = reader or NoReader()
        self._stop = stop
        self._owns_stop = owns_stop
        self._moving_to = moving_to
        self._closing = ExitStack()
        self._reported = Stats()
        self._closing.callback(store.close)
        self._closing.callback(self._report_use)
        self._closing.callback(encoder.close)
        if moving_to is not None:
            self._closing.callback(moving_to.close)
        if reranker is not None:
            self._closing.callback(reranker.close)

    def start_background(self) -> None:
        """Loads the models and keeps embedding what is written; for processes that serve."""
        self.encoder.start()
        if self.reranker is not None:
            self.reranker.start()
        for worker in (
            self.service.background(self._stop),
            self.service.erasing.background(self._stop),
            Worker("prepare", self._prepare, stop=self._stop),
            Worker("move", self._move, stop=self._stop),
            Worker("use", self._keep_reporting, stop=self._stop),
        ):
            self._closing.callback(worker.close)
            worker.start()

    def model_names(self) -> tuple[str, str]:
        """What the model and the reranker ("" for none) are called, without loading them.

        :raises ModelError: one is missing, or refused.
        """
        from failbot.encoder.weights import find_reranker, find_weights

        folder, reranker = self.config.data_folder, self.config.reranker
        model = find_weights(self.encoder.setting, data_folder=folder)
        return model.name, find_reranker(reranker, data_folder=folder).name if reranker else ""

    def wait_for_models(self) -> tuple[str, str]:
        """As `model_names`, once both can be used. :raises ModelError: one of them cannot."""
        self.encoder.wait(None)
        if self.reranker is not None:
            self.reranker.wait(None)
        return self.model_names()

    def close(self) -> None:
        """Waits for what runs here to end, and closes the store; twice is once."""
        if self._owns_stop:
            self._stop.set()
        self._closing.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def moving(self) -> tuple[str, int, int] | None:
        """The model that the memory moves to, how many entries have, and how many there are."""
        if self._moving_to is None:
            return None
        name = self._moving_to.setting
        return name, *self.store.embeddings.progress(name)

    def writing_pause_s(self) -> float:
        """Between two entries that a language model writes of: half of its calls are for askers."""
        per_minute = self.config.llm_per_minute
        return 120.0 / per_minute if per_minute else 0.0

    def _keep_reporting(self, ending: Event) -> None:
        while not ending.wait(REPORT_S):
            self._report_use()

    def _report_use(self) -> None:
        """Adds to the store what the language model was asked since this was last called."""
        stats = self.reader.stats()
        more = stats.without(self._reported)
        if more == Stats(is_open=self._reported.is_open, form=more.form):
            return
        try:
            self.store.use.add(self.reader.name, more, now=datetime.now(UTC))
            self._reported = stats
        except FailbotError as error:
            log.warning("the language model's use is not counted: %s", error)

    def _prepare(self, _: Event) -> None:
        if self.reader.name:
            warm_up()
        try:
            self.encoder.prepare()
        except StoppedError:
            return
        except FailbotError as error:
            log.warning("the model keeps its slow form: %s", error)

    def _move(self, _: Event) -> None:
        """Embeds everything with the new default beside the old one, then goes over to it."""
        if self._moving_to is None:
            return
        try:
            count = self.service.move_to(self._moving_to)
        except StoppedError:
            return
        except FailbotError as error:
            log.warning("the memory stays with its earlier model: %s", error)
        else:
            log.info("%d entries moved over to %s", count, self._moving_to.setting)


def language_model(config: Config) -> LanguageModel | None:
    """The language model that the settings name; None where they name none."""
    if not config.llm_url:
        return None
    return LanguageModel(
        _chat(config, per_minute=config.llm_per_minute),
        name=config.llm_model,
        may_see_private=config.llm_private,
    )


def measured_model(
    config: Config, *, record: Path | None = None, replay: Path | None = None
) -> Reader:
    """A language model to be measured: with time, no limit a minute and nothing cached.

    It sees private entries too: whoever measures has named the files that hold them.
    :param record: requests and replies are kept there; the requests alone without a
        FAILBOT_LLM_URL.
    :param replay: replies, or verdicts, come from there alone.
    :raises InputError: nothing to replay is there.
    """
    if replay and verdict_files(replay):
        return Verdicts(replay)
    chat = _chat(config, per_minute=0) if config.llm_url else None
    source: Completing | None = Replayer(replay) if replay else chat
    if record:
        source = Recorder(record, chat)
    if source is None:
        raise InputError("there is no language model: set FAILBOT_LLM_URL")
    return LanguageModel(
        source,
        name=config.llm_model or "recorded",
        may_see_private=True,
        cached=0,
        deadline_s=PATIENT_S,
    )


def _chat(config: Config, *, per_minute: int) -> Chat:
    endpoint = Endpoint(url=config.llm_url, model=config.llm_model, key=config.llm_key)
    return Chat(endpoint, per_minute=per_minute)


def open_runtime(
    config: Config,
    *,
    stop: Stop | None = None,
    keeps_model: bool = True,
    reader: Reader | None = None,
) -> Runtime:
    """Everything that a command or a bot needs, on the store that the settings name.

    A memory made with an earlier default model is served with that one until it has moved over,
    which a serving process does in the background.
    :param stop: the process's, if it is one that is told to stop: then nothing is waited for.
    :param keeps_model: whether to serve with an earlier default; `reindex` does not.
    :param reader: in the place of the one that the settings name.
    :raises StoreError: if the database cannot be opened.
    :raises ConfigError: if the team's rules for secrets cannot be read.
    """
    from failbot.store.sqlite import SqliteStore

    redact.use(team.load(config.secrets) if config.secrets else team.Rules())
    owns_stop, stop = stop is None, stop or Stop()
    store = SqliteStore(config.database)
    encoder, moving_to = _encoders(config, store, stop, keeps_model=keeps_model)
    reranker = None
    if config.reranker:
        reranker = background_reranker(config.reranker, data_folder=config.data_folder, stop=stop)
    reader = reader or language_model(config)
    return Runtime(
        config,
        store,
        Service(store, encoder, reranker, reader=reader, stop=stop),
        encoder,
        reranker=reranker,
        reader=reader,
        stop=stop,
        owns_stop=owns_stop,
        moving_to=moving_to,
    )


def _encoders(
    config: Config, store: Store, stop: Stop, *, keeps_model: bool
) -> tuple[BackgroundEncoder, BackgroundEncoder | None]:
    """What answers, and what the memory moves to where that is another."""
    # The store remembers a folder for processes that were started elsewhere.
    folder = Path(config.model).expanduser()
    model = str(folder.resolve()) if folder.is_dir() else config.model
    encoder = BackgroundEncoder(model, data_folder=config.data_folder, stop=stop)
    earlier = _earlier_default(store, config) if keeps_model else ""
    if not earlier:
        return encoder, None
    return BackgroundEncoder(earlier, data_folder=config.data_folder, stop=stop), encoder


def _earlier_default(store: Store, config: Config) -> str:
    """The setting of the earlier default whose vectors the store holds; "" where it does not."""
    from failbot.encoder.weights import EARLIER_DEFAULTS

    active = store.embeddings.active()
    is_earlier = active is not None and active.name in EARLIER_DEFAULTS
    return active.setting if active and is_earlier and config.model == DEFAULT_MODEL else ""
