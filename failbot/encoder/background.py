"""A model that loads in a thread of its own while its process already serves."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from pathlib import Path

from failbot.encoder.base import Encoder

log = logging.getLogger(__name__)


class BackgroundEncoder:
    """The encoder that a setting names, when it is ready. Any thread may call it."""

    def __init__(self, setting: str, *, data_folder: Path) -> None:
        self._data_folder = data_folder
        self._lock = threading.Lock()
        self._setting = setting
        self._loading: Future[Encoder] | None = None

    @property
    def setting(self) -> str:
        """What names the model: `FAILBOT_MODEL`."""
        return self._setting

    @property
    def is_ready(self) -> bool:
        loading = self._loading
        return loading is not None and loading.done() and loading.exception() is None

    def start(self) -> Future[Encoder]:
        """What will be the encoder; begins to load it the first time."""
        with self._lock:
            if self._loading is None:
                self._loading = Future()
                arguments = (self._loading, self._setting)
                threading.Thread(
                    target=self._load, args=arguments, name="model", daemon=True
                ).start()
            return self._loading

    def wait(self, timeout_s: float | None) -> Encoder | None:
        """The encoder, or None when it is not ready in time. :raises ModelError:"""
        try:
            return self.start().result(timeout_s)
        except TimeoutError:
            return None

    def switch(self, setting: str) -> None:
        """Loads another model in place of this one; nothing happens when it already does."""
        with self._lock:
            if setting == self._setting:
                return
            self._setting, self._loading = setting, None
        self.start()

    def prepare(self) -> None:
        """Makes the model's fast form if it is not there yet, and goes over to it.

        Blocks for as long as a process of its own needs for that, about 15 s.
        :raises ModelError: it has none; the model goes on as it is.
        """
        from failbot.encoder import open_encoder
        from failbot.encoder.export import export_in_subprocess, wants_export

        setting = self._setting
        if not wants_export(setting, self._data_folder):
            return
        export_in_subprocess(setting, self._data_folder)
        fast: Future[Encoder] = Future()
        fast.set_result(open_encoder(setting, data_folder=self._data_folder))
        with self._lock:
            if setting == self._setting:
                self._loading = fast

    def _load(self, loading: Future[Encoder], setting: str) -> None:
        from failbot.encoder import open_encoder

        try:
            loading.set_result(open_encoder(setting, data_folder=self._data_folder))
        except Exception as error:  # whoever waits gets it
            log.warning("the model %s cannot be used: %s", setting, error)
            loading.set_exception(error)
