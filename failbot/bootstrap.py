"""The only place that wires concrete parts together."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from threading import Event

from failbot.config import Config
from failbot.encoder.background import BackgroundEncoder
from failbot.encoder.loading import Loading
from failbot.encoder.reranker import Reranker, background_reranker
from failbot.errors import FailbotError, StoppedError
from failbot.memory.service import Service
from failbot.store.base import Store
from failbot.threads import Stop, Worker

log = logging.getLogger(__name__)


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
        stop: Stop,
        owns_stop: bool,
    ) -> None:
        """:param owns_stop: whether `stop` is this runtime's alone, and set when it is closed."""
        self.config = config
        self.store = store
        self.service = service
        self.encoder = encoder
        self.reranker = reranker
        self._stop = stop
        self._owns_stop = owns_stop
        self._closing = ExitStack()
        self._closing.callback(store.close)
        self._closing.callback(encoder.close)
        if reranker is not None:
            self._closing.callback(reranker.close)

    def start_background(self) -> None:
        """Loads the models and keeps embedding what is written; for processes that serve."""
        self.encoder.start()
        if self.reranker is not None:
            self.reranker.start()
        for worker in (
            self.service.background(self._stop),
            Worker("prepare", self._prepare, stop=self._stop),
        ):
            self._closing.callback(worker.close)
            worker.start()

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
        """Waits for what runs here to end, and closes the store; twice is once."""
        if self._owns_stop:
            self._stop.set()
        self._closing.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(self, _: Event) -> None:
        try:
            self.encoder.prepare()
        except StoppedError:
            return
        except FailbotError as error:
            log.warning("the model keeps its slow form: %s", error)


def open_runtime(config: Config, *, stop: Stop | None = None) -> Runtime:
    """Everything that a command or a bot needs, on the store that the settings name.

    :param stop: the process's, if it is one that is told to stop: then nothing is waited for.
    :raises StoreError: if the database cannot be opened.
    """
    from failbot.store.sqlite import SqliteStore

    owns_stop, stop = stop is None, stop or Stop()
    store = SqliteStore(config.database)
    # The store remembers a folder for processes that were started elsewhere.
    folder = Path(config.model).expanduser()
    model = str(folder.resolve()) if folder.is_dir() else config.model
    encoder = BackgroundEncoder(model, data_folder=config.data_folder, stop=stop)
    reranker = None
    if config.reranker:
        reranker = background_reranker(config.reranker, data_folder=config.data_folder, stop=stop)
    service = Service(store, encoder, reranker, stop=stop)
    return Runtime(
        config, store, service, encoder, reranker=reranker, stop=stop, owns_stop=owns_stop
    )
