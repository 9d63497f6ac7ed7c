"""The only place that wires concrete parts together."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from failbot.config import Config
from failbot.encoder.background import BackgroundEncoder
from failbot.encoder.reranker import BackgroundReranker
from failbot.errors import FailbotError
from failbot.memory import redact
from failbot.memory.redact import team
from failbot.memory.service import Service
from failbot.store.base import Store

log = logging.getLogger(__name__)

# How often a serving process looks for entries that another process wrote and did not embed.
SWEEP_S = 60.0
CLOSING_S = 10.0


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
    ) -> None:
        self.config = config
        self.store = store
        self.service = service
        self.encoder = encoder
        self.reranker = reranker
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
        try:
            self.encoder.prepare()
        except FailbotError as error:
            log.warning("the model keeps its slow form: %s", error)


def open_runtime(config: Config) -> Runtime:
    """Everything that a command or a bot needs, on the store that the settings name.

    :raises StoreError: if the database cannot be opened.
    :raises ConfigError: if the team's rules for secrets cannot be read.
    """
    from failbot.store.sqlite import SqliteStore

    redact.use(team.load(config.secrets) if config.secrets else team.Rules())

    store = SqliteStore(config.database)
    # The store remembers a folder for processes that were started elsewhere.
    folder = Path(config.model).expanduser()
    model = str(folder.resolve()) if folder.is_dir() else config.model
    encoder = BackgroundEncoder(model, data_folder=config.data_folder)
    reranker = None
    if config.reranker:
        reranker = BackgroundReranker(config.reranker, data_folder=config.data_folder)
    service = Service(store, encoder, reranker)
    return Runtime(config, store, service, encoder, reranker=reranker)
