"""The only place that wires concrete parts together."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from failbot.config import Config
from failbot.encoder.base import Encoder
from failbot.errors import FailbotError
from failbot.matching import Matcher
from failbot.service import Service
from failbot.store.base import Store

log = logging.getLogger(__name__)

# How often a serving process looks for entries that another process wrote and did not embed.
SWEEP_S = 60.0


class BackgroundEncoder:
    """An `EncoderSource` whose model loads in a thread of its own, once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._ready = threading.Event()
        self._starting = threading.Lock()
        self._started = False
        self._encoder: Encoder | None = None
        self._error: FailbotError | None = None

    def start(self) -> None:
        """Begins to load; nothing happens the second time."""
        with self._starting:
            if not self._started:
                self._started = True
                threading.Thread(target=self._load, name="model", daemon=True).start()

    @property
    def is_ready(self) -> bool:
        return self._encoder is not None

    def wait(self, timeout_s: float | None) -> Encoder | None:
        """The encoder, or None when it is not ready in time. :raises ModelError:"""
        self.start()
        self._ready.wait(timeout_s)
        if self._error is not None:
            raise self._error
        return self._encoder

    def _load(self) -> None:
        from failbot.encoder import open_encoder

        try:
            self._encoder = open_encoder(self._config.model, data_folder=self._config.data_folder)
        except FailbotError as error:
            self._error = error
            log.error("the model cannot be used: %s", error)  # its words suffice
        finally:
            self._ready.set()


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
    encoder = BackgroundEncoder(config)
    service = Service(store, Matcher(store, encoder))
    return Runtime(config, store, service, encoder, threading.Event())
