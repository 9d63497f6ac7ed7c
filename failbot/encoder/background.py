"""The encoder of a process: it loads in the background, gets faster, and is switched."""

from __future__ import annotations

import threading
from pathlib import Path

from failbot.encoder.base import Encoder
from failbot.encoder.loading import Loading
from failbot.threads import Stop


class BackgroundEncoder:
    """The encoder that a setting names, when it is ready. Any thread may call it."""

    def __init__(self, setting: str, *, data_folder: Path, stop: Stop | None = None) -> None:
        """:param stop: the process's, if it is one that is told to stop."""
        self._data_folder = data_folder
        self._stop = stop or Stop()
        self._lock = threading.Lock()
        self._setting = setting
        self._loadings = [self._loading(setting)]  # the last counts; others are still at it

    @property
    def setting(self) -> str:
        """What names the model: `FAILBOT_MODEL`."""
        return self._setting

    @property
    def is_ready(self) -> bool:
        return self._loadings[-1].is_ready

    @property
    def has_failed(self) -> bool:
        """Whether it was tried, and cannot be used."""
        return self._loadings[-1].has_failed

    @property
    def label(self) -> str:
        """The setting, for whoever may not read paths: of a folder, its last part."""
        return self._setting.rstrip("/").rpartition("/")[2] or self._setting

    def start(self) -> None:
        """Begins to load; nothing happens the second time."""
        self._loadings[-1].start()

    def wait(self, timeout_s: float | None) -> Encoder | None:
        """The encoder, or None when it is not ready in time.

        :raises ModelError: it cannot be used. :raises StoppedError: the process stops.
        """
        return self._current().wait(timeout_s)

    def switch(self, setting: str) -> None:
        """Loads another model in place of this one; nothing happens when it already does."""
        with self._lock:
            if setting == self._setting:
                return
            self._setting = setting
            self._put(self._loading(setting))
        self.start()

    def prepare(self) -> None:
        """Makes the model's fast form if it is not there yet, and goes over to it.

        Blocks for as long as a process of its own needs for that, about 15 s.
        :raises ModelError: it has none; the model goes on as it is.
        :raises StoppedError: the process stops.
        """
        from failbot.encoder.export import export_in_subprocess, wants_export

        setting = self._setting
        if not wants_export(setting, self._data_folder):
            return
        export_in_subprocess(setting, self._data_folder, stop=self._stop)
        fast = self._loading(setting)
        fast.wait(None)
        with self._lock:
            if setting == self._setting:
                self._put(fast)

    def close(self) -> None:
        """Waits for loads under way, for as long as the process's end allows."""
        for loading in self._loadings:
            loading.close()

    def _current(self) -> Loading[Encoder]:
        with self._lock:
            self._put(self._loadings[-1])
            return self._loadings[-1]

    def _put(self, loading: Loading[Encoder]) -> None:
        """Makes it the one that counts, and forgets the others' models once they are loaded."""
        others = [one for one in self._loadings if one is not loading and not one.is_over]
        self._loadings = [*others, loading]

    def _loading(self, setting: str) -> Loading[Encoder]:
        from failbot.encoder import open_encoder

        return Loading(
            "model",
            lambda: open_encoder(setting, data_folder=self._data_folder),
            stop=self._stop,
            fault=f"the model {setting} cannot be used",
        )
