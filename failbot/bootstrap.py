"""The only place that wires concrete parts together."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from failbot.config import Config
from failbot.encoder.background import BackgroundEncoder
from failbot.encoder.reranker import BackgroundReranker
from failbot.errors import FailbotError, InputError
from failbot.memory.service import Service
from failbot.reader.base import NoReader, Reader
from failbot.reader.chat import Chat, Completing, Endpoint, warm_up
from failbot.reader.language_model import LanguageModel
from failbot.reader.tape import Recorder, Replayer
from failbot.store.base import Store

log = logging.getLogger(__name__)

# How often a serving process looks for entries that another process wrote and did not embed.
SWEEP_S = 60.0
CLOSING_S = 10.0
PATIENT_S = 120.0  # for a reading that is recorded: nobody waits, and a small machine is slow


class Runtime:
    """The wired parts; `close` ends what it started."""

    def __init__(
        self,
        config: Config,
        store: Store,
        service: Service,
        encoder: BackgroundEncoder,
        *,
        reranker: BackgroundReranker | None = None,
        reader: Reader | None = None,
    ) -> None:
        self.config = config
        self.store = store
        self.service = service
        self.encoder = encoder
        self.reranker = reranker
        self.reader = reader or NoReader()
        self._stop = threading.Event()
        self._embedding = threading.Thread(target=self._embed, name="embed", daemon=True)

    def start_background(self) -> None:
        """Loads the models and keeps embedding what is written; for processes that serve."""
        self.encoder.start()
        if self.reranker is not None:
            self.reranker.start()
        self._embedding.start()
        threading.Thread(target=self._prepare, name="prepare", daemon=True).start()

    def model_names(self) -> tuple[str, str]:
        """What the model and the reranker ("" for none) are called, without loading them.

        :raises ModelError: one is missing, or refused.
        """
        from failbot.encoder.weights import find_reranker, find_weights

        folder, reranker = self.config.data_folder, self.config.reranker
        model = find_weights(self.config.model, data_folder=folder)
        return model.name, find_reranker(reranker, data_folder=folder).name if reranker else ""

    def wait_for_models(self) -> tuple[str, str]:
        """As `model_names`, once both can be used. :raises ModelError: one of them cannot."""
        self.encoder.wait(None)
        if self.reranker is not None:
            self.reranker.wait(None)
        return self.model_names()

    def close(self) -> None:
        """Ends the embedding after its batch, and closes the store."""
        self._stop.set()
        self.service.written.set()
        if self._embedding.is_alive() and self.encoder.is_ready:
            self._embedding.join(timeout=CLOSING_S)
        self.store.close()

    def _embed(self) -> None:
        while not self._stop.is_set():
            self.service.written.clear()
            try:
                self.service.embed_missing()
            except FailbotError as error:
                log.warning("entries are not embedded: %s", error)
            self.service.written.wait(SWEEP_S)

    def _prepare(self) -> None:
        if self.reader.name:
            warm_up()
        try:
            self.encoder.prepare()
        except FailbotError as error:
            log.warning("the model keeps its slow form: %s", error)


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
) -> LanguageModel:
    """A language model to be measured: with time, no limit a minute and nothing cached.

    It sees private entries too: whoever measures has named the files that hold them.
    :param record: requests and replies are kept there; the requests alone without a
        FAILBOT_LLM_URL.
    :param replay: replies come from there alone. :raises InputError: there is no such folder.
    """
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


def open_runtime(config: Config, *, reader: Reader | None = None) -> Runtime:
    """Everything that a command or a bot needs, on the store that the settings name.

    :param reader: in the place of the one that the settings name.
    :raises StoreError: if the database cannot be opened.
    """
    from failbot.store.sqlite import SqliteStore

    store = SqliteStore(config.database)
    # The store remembers a folder for processes that were started elsewhere.
    folder = Path(config.model).expanduser()
    model = str(folder.resolve()) if folder.is_dir() else config.model
    encoder = BackgroundEncoder(model, data_folder=config.data_folder)
    reranker = None
    if config.reranker:
        reranker = BackgroundReranker(config.reranker, data_folder=config.data_folder)
    reader = reader or language_model(config)
    service = Service(store, encoder, reranker, reader=reader)
    return Runtime(config, store, service, encoder, reranker=reranker, reader=reader)
