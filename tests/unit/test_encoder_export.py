"""Models of every make: exported exactly, or run as they are."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from failbot.encoder import open_encoder
from failbot.encoder.export import TIDYING_S, export, export_in_subprocess, wants_export
from failbot.encoder.onnx import GRAPH, MANIFEST, OnnxEncoder
from failbot.encoder.transformers import TransformersEncoder
from failbot.errors import ModelError, StoppedError
from failbot.threads import Stop, Worker
from tests.tiny_model import HIDDEN, save_tiny_model

pytest.importorskip("torch", reason="PyTorch makes, runs and exports these models")

TEXTS = ["the loss became nan", "", "after 900 steps of training, the loss " * 9, "query: nan"]
PROMPTS = {"query": "query: ", "passage": "the training of "}


def _dense() -> list[Any]:
    from sentence_transformers.base.modules import Dense, Normalize

    return [Dense(HIDDEN, 12), Normalize()]


MAKES: dict[str, Callable[[], dict[str, Any]]] = {
    "mean pooling": dict,
    "cls pooling": lambda: {"pooling": "cls"},
    "max pooling": lambda: {"pooling": "max"},
    "a narrower dense layer": lambda: {"further": _dense()},
    "prompts": lambda: {"prompts": PROMPTS},
}


@pytest.fixture(scope="module", params=MAKES)
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of each make; its parent is its data folder, with its export."""
    data_folder = tmp_path_factory.mktemp("make")
    folder = save_tiny_model(data_folder / "tiny", **MAKES[request.param]())
    export(str(folder), data_folder)
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A plain tiny model that is not exported; its parent is its data folder."""
    return save_tiny_model(tmp_path / "tiny")


def opened(folder: Path, **more: Any) -> Any:
    return open_encoder(str(folder), data_folder=folder.parent, **more)


def unit_rows(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("runtime", ["transformers", "onnx"])
def test_sentences_are_those_of_sentence_transformers(make: Path, runtime: str) -> None:
    """Whatever its pooling and further modules, a model gives its own sentence vectors."""
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(make), device="cpu")
    encoder = opened(make, runtime=runtime)
    expected = {"query": original.encode_query(TEXTS)}
    expected["document"] = original.encode(TEXTS, prompt=original.prompts.get("passage", ""))
    for kind, vectors in expected.items():
        found = np.stack([one.sentence for one in encoder.encode(TEXTS, kind=kind)])
        np.testing.assert_allclose(found, unit_rows(vectors), rtol=0, atol=1e-4)
        assert found.shape[1] == encoder.dimension


def test_tokens_of_both_run_times_agree(make: Path) -> None:
    """Token vectors and ids of the export are PyTorch's, the prompt's tokens left out of both."""
    slow, fast = (opened(make, runtime=runtime) for runtime in ("transformers", "onnx"))
    for kind in ("document", "query"):
        pairs = zip(slow.encode(TEXTS, kind=kind), fast.encode(TEXTS, kind=kind), strict=True)
        for one, other in pairs:
            assert one.token_ids.tolist() == other.token_ids.tolist()
            np.testing.assert_allclose(one.tokens, other.tokens, rtol=0, atol=1e-4)


def test_a_prompt_changes_vectors_and_adds_no_token(tmp_path: Path) -> None:
    """A model's prompt is the model's business: the text keeps its own tokens."""
    folder = save_tiny_model(tmp_path / "tiny", prompts=PROMPTS)
    encoder = opened(folder, runtime="transformers")
    as_query, as_document = (
        encoder.encode(["nan loss"], kind=kind)[0] for kind in ("query", "document")
    )
    assert len(as_query.tokens) == len(as_document.tokens) == 2
    assert not np.allclose(as_query.sentence, as_document.sentence, atol=1e-3)


def test_auto_takes_the_export_once_it_is_there(tiny: Path) -> None:
    """Before the export PyTorch answers, after it onnxruntime, under the same name."""
    before = opened(tiny)
    assert isinstance(before, TransformersEncoder)
    assert wants_export(str(tiny), tiny.parent)
    export(str(tiny), tiny.parent)
    after = opened(tiny)
    assert isinstance(after, OnnxEncoder)
    assert after.name == before.name
    assert not wants_export(str(tiny), tiny.parent)


def test_onnx_alone_is_refused_without_an_export(tiny: Path) -> None:
    """The error names the command that makes one."""
    with pytest.raises(ModelError, match="failbot setup"):
        opened(tiny, runtime="onnx")


@pytest.mark.parametrize("damaged", [GRAPH, MANIFEST])
def test_a_damaged_export_is_refused_replaced_by_pytorch_and_mended(
    tiny: Path, damaged: str
) -> None:
    """Every byte of an export is checked at each start."""
    folder = export(str(tiny), tiny.parent)
    content = (folder / damaged).read_bytes()
    (folder / damaged).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="failbot setup"):
        opened(tiny, runtime="onnx")
    assert isinstance(opened(tiny), TransformersEncoder)
    assert wants_export(str(tiny), tiny.parent)
    assert export(str(tiny), tiny.parent) == folder
    assert isinstance(opened(tiny), OnnxEncoder)


def test_an_export_leaves_nothing_else_behind(tiny: Path) -> None:
    """The folder appears whole, and no draft stays."""
    folder = export(str(tiny), tiny.parent)
    assert {one.name for one in folder.parent.iterdir()} == {folder.name, "checked.json"}
    assert sorted(one.name for one in folder.iterdir()) == [MANIFEST, GRAPH, "tokenizer.json"]


def test_drafts_of_killed_exports_are_swept_away(tiny: Path) -> None:
    """An old draft is removed by the next export, a fresh one may be another process's."""
    old, fresh = (tiny.parent / "models" / f".export-{name}" for name in ("old", "fresh"))
    for draft in (old, fresh):
        draft.mkdir(parents=True)
    os.utime(old, (0, 0))
    export(str(tiny), tiny.parent)
    assert not old.exists()
    assert fresh.exists()


def test_a_model_without_transformer_runs_as_it_is(tmp_path: Path) -> None:
    """Static embeddings have no ONNX form here: told once, then run by sentence-transformers."""
    folder = tmp_path / "static"
    _save_static(folder)
    with pytest.raises(ModelError, match="no ONNX form"):
        export(str(folder), tmp_path)
    assert not wants_export(str(folder), tmp_path)
    encoder = opened(folder)
    found = encoder.encode(["loss became nan"])[0]
    assert encoder.dimension == 8
    assert np.array_equal(found.tokens, found.sentence[None, :])


def _save_static(folder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {word: number for number, word in enumerate(["[UNK]", "loss", "became", "nan"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    module = StaticEmbedding(tokenizer, embedding_dim=8)
    SentenceTransformer(modules=[module]).save_pretrained(str(folder), create_model_card=False)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """Weights that sentence-transformers cannot load become words a user can act on."""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"not what it says")
    with pytest.raises(ModelError, match="cannot load"):
        opened(folder)


def test_the_export_process_passes_its_refusal_on(tmp_path: Path) -> None:
    """A child's reason is the parent's error."""
    with pytest.raises(ModelError, match="There is no folder"):
        export_in_subprocess("./nowhere", tmp_path)


def test_an_export_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    """A stuck child does not keep its parent waiting for ever."""
    with pytest.raises(ModelError, match="given up"):
        export_in_subprocess("all-MiniLM-L6-v2", tmp_path, timeout_s=0.01)


def test_a_stop_ends_an_export(tmp_path: Path) -> None:
    """Within the seconds that a process has for its end; the next start exports anew."""
    stop = Stop()
    timer = Worker("stop", lambda ending: ending.wait(1.5) or stop.set(), stop=Stop()).start()
    since = time.monotonic()
    with pytest.raises(StoppedError):
        export_in_subprocess("all-MiniLM-L6-v2", tmp_path, stop=stop)
    assert time.monotonic() - since < 1.5 + TIDYING_S + 1
    assert timer.close()
    assert wants_export("all-MiniLM-L6-v2", tmp_path)


def test_text_beyond_the_window_has_no_tokens(tiny: Path) -> None:
    """The tiny model sees 40 tokens, [CLS] and [SEP] among them."""
    export(str(tiny), tiny.parent)
    for runtime in ("transformers", "onnx"):
        assert len(opened(tiny, runtime=runtime).encode(["nan " * 200])[0].tokens) == 38
