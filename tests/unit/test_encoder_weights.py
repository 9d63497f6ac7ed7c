"""Where a model comes from, and which ones are refused."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest

from failbot.config import MINILM
from failbot.encoder.weights import MINILM_PACKAGE, Checksums, find_weights
from failbot.errors import ModelError


class Planted:
    """An object whose unpickling leaves a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.trace,)


def model_folder(folder: Path, content: bytes = b"weights") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(content)
    (folder / "modules.json").write_text("[]")
    return folder


def test_the_default_model_is_found_by_its_name(tmp_path: Path) -> None:
    """The installed package's weights are taken, by the short and by the full name."""
    short = find_weights(MINILM, data_folder=tmp_path)
    full = find_weights(f"sentence-transformers/{MINILM}", data_folder=tmp_path)
    assert short == full
    assert short.name == MINILM
    assert (short.folder / "model.safetensors").is_file()


def test_an_altered_default_model_is_refused_and_its_package_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights with another checksum are no default model, and finding them runs no code."""
    package = tmp_path / "site" / MINILM_PACKAGE
    model_folder(package / "model")
    (package / "__init__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(ModelError, match="not the official"):
        find_weights(MINILM, data_folder=tmp_path / "data")
    assert not (tmp_path / "ran").exists()


def test_checksums_are_remembered_until_a_file_changes(tmp_path: Path) -> None:
    """A second look at an unchanged file does not read it; a changed one is read."""
    file, memory = tmp_path / "file", tmp_path / "models" / "checked.json"
    file.write_bytes(b"one")
    first = Checksums(memory).of(file)
    stamp = file.stat().st_mtime_ns
    file.write_bytes(b"two")
    os.utime(file, ns=(stamp, stamp))  # size and time as before: only reading would tell
    assert Checksums(memory).of(file) == first
    file.write_bytes(b"another")
    assert Checksums(memory).of(file) != first


def test_a_broken_memory_of_checksums_is_made_anew(tmp_path: Path) -> None:
    """Half a JSON file costs a second read and nothing else."""
    file, memory = tmp_path / "file", tmp_path / "checked.json"
    file.write_bytes(b"one")
    memory.write_text('{"/some')
    first = Checksums(memory).of(file)
    assert Checksums(memory).of(file) == first
    assert memory.read_text().endswith("}")


def test_a_folders_name_tells_its_weights_apart(tmp_path: Path) -> None:
    """Other weights or settings in the same place are another model, a readme is not."""
    folder = model_folder(tmp_path / "ours")
    first = find_weights(str(folder), data_folder=tmp_path)
    assert first.name == f"ours@{first.fingerprint[:8]}"
    (folder / "README.md").write_text("new words")
    assert find_weights(str(folder), data_folder=tmp_path) == first
    model_folder(folder, b"tuned further")
    assert find_weights(str(folder), data_folder=tmp_path).name != first.name


@pytest.mark.parametrize("place", ["pytorch_model.bin", "2_Dense/pytorch_model.bin", "a/b.pkl"])
def test_a_planted_pickle_is_refused_unopened(tmp_path: Path, place: str) -> None:
    """A pickle that a loader could fall back to stops the model, and is not loaded."""
    folder = model_folder(tmp_path / "hostile")
    if "/" not in place:
        (folder / "model.safetensors").unlink()
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_bytes(pickle.dumps(Planted(tmp_path / "ran")))
    with pytest.raises(ModelError, match="pickle"):
        find_weights(str(folder), data_folder=tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_pickle_beside_safetensors_does_not_bar_the_model(tmp_path: Path) -> None:
    """Published models often carry both; the safetensors are what is read."""
    folder = model_folder(tmp_path / "both")
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Planted(tmp_path / "ran")))
    assert find_weights(str(folder), data_folder=tmp_path).folder == folder
    assert not (tmp_path / "ran").exists()


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    """The message names what is missing."""
    folder = model_folder(tmp_path / "empty")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"holds no model\.safetensors"):
        find_weights(str(folder), data_folder=tmp_path)


@pytest.mark.parametrize("model", ["./nowhere", "/no/such/folder", "~/nothing-here", "a/b/c"])
def test_a_path_to_nothing_is_named_as_one(tmp_path: Path, model: str) -> None:
    """What looks like a path is not searched for on the hub."""
    with pytest.raises(ModelError, match="There is no folder"):
        find_weights(model, data_folder=tmp_path)


@pytest.mark.parametrize("model", ["no-such-model", "nobody/no-such-model", "not a name!"])
def test_a_model_that_cannot_be_downloaded_says_what_to_do(tmp_path: Path, model: str) -> None:
    """Without a network the error names the way round it."""
    with pytest.raises(ModelError, match="set FAILBOT_MODEL to its folder"):
        find_weights(model, data_folder=tmp_path)


def test_a_data_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    """The memory of checksums is no condition for finding a model."""
    (tmp_path / "models").write_text("a file where a folder should be")
    folder = model_folder(tmp_path / "ours")
    assert find_weights(str(folder), data_folder=tmp_path).folder == folder


def test_a_copied_model_has_the_same_fingerprint(tmp_path: Path) -> None:
    """The fingerprint is of the content, not of the place."""
    folder = model_folder(tmp_path / "ours")
    copy = Path(shutil.copytree(folder, tmp_path / "copies" / "ours"))
    one, other = (find_weights(str(each), data_folder=tmp_path) for each in (folder, copy))
    assert one.name == other.name
