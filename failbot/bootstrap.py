"""The only place that wires concrete parts together."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from failbot.config import Config
from failbot.encoder.background import BackgroundEncoder
from failbot.errors import FailbotError
from failbot.matching import Matcher
from failbot.service import Service
from failbot.store.base import Store

log = logging.getLogger(__name__)

# How often a serving process looks for entries that another process wrote and did not embed.
SWEEP_S = 60.0


@dataclass(frozen=True, slots=True)
class Runtime:
    """The wired parts; `close` ends what it started."""

    config: Config
    store: Store
    service: Service
    encoder: BackgroundEncoder
    _stop: threading.Event

    def start_background(self) -> None:
        """Loads the model and keeps embedding what is written; for processes that serve."""
        self.encoder.start()
        threading.Thread(target=self._embed, name="embed", daemon=True).start()

    def _embed(self) -> None:
        while not self._stop.is_set():
            try:
                self.service.embed_missing()
            except FailbotError as error:
                log.warning("entries are not embedded: %s", error)
            self.service.written.wait(SWEEP_S)

    def close(self) -> None:
        self._stop.set()
        self.service.written.set()
        self.store.close()


def open_runtime(config: Config) -> Runtime:
    """Everything that a command or a bot needs, on the store that the settings name.

    :raises StoreError: if the database cannot be opened.
    """
    from failbot.store.sqlite import SqliteStore

    store = SqliteStore(config.database)
    encoder = BackgroundEncoder(config.model, data_folder=config.data_folder)
    service = Service(store, Matcher(store, encoder))
    return Runtime(config, store, service, encoder, threading.Event())
