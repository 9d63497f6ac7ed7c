"""Models like ColBERT: their own token vectors, and what failbot makes of them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from failbot.doctor import examine
from failbot.encoder import open_encoder
from failbot.encoder.colbert import ColbertEncoder, is_multi_vector
from failbot.encoder.export import export, wants_export
from failbot.errors import ModelError
from failbot.memory.service import Service
from failbot.store.base import Store
from tests.make import ANA, draft, public, viewer
from tests.tiny_model import COLBERT_HIDDEN, VOCABULARY, save_tiny_colbert, save_tiny_model
from tests.unit.test_matching import Source

pytest.importorskip("torch", reason="such models run in PyTorch")

MASKS = {"strategy": "fixed", "length": 16, "attend": False}
TEXT = "the loss became nan, after steps."
WORDS = ["the", "loss", "became", "nan", "after", "steps"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ColBERT; its parent is its data folder."""
    return save_tiny_colbert(tmp_path_factory.mktemp("colbert") / "tiny")


def opened(folder: Path, **more: Any) -> Any:
    return open_encoder(str(folder), data_folder=folder.parent, **more)


def names(encoding: Any) -> list[str]:
    return [VOCABULARY[at] for at in encoding.token_ids]


def test_tokens_are_the_models_own(folder: Path) -> None:
    """The vectors of `MultiVectorEncoder`, without those of [CLS] and [SEP]."""
    from sentence_transformers import MultiVectorEncoder

    original = MultiVectorEncoder(str(folder), device="cpu")
    (expected,) = original.encode_document([TEXT], convert_to_numpy=True)
    (found,) = opened(folder).encode([TEXT])
    assert names(found) == WORDS  # the model leaves punctuation out of documents
    np.testing.assert_allclose(found.tokens, expected[1:-1], atol=1e-5)
    (asked,) = opened(folder).encode([TEXT], kind="query")
    assert names(asked) == ["the", "loss", "became", "nan", ",", "after", "steps", "."]


def test_the_sentence_is_the_mean_of_its_tokens(folder: Path) -> None:
    """It fetches candidates, as long as a token's vector."""
    encoder = opened(folder)
    (found,) = encoder.encode([TEXT])
    mean = found.tokens.mean(axis=0)
    np.testing.assert_allclose(found.sentence, mean / np.linalg.norm(mean), atol=1e-5)
    assert encoder.dimension == COLBERT_HIDDEN


@pytest.mark.parametrize("expansion", [None, MASKS, {**MASKS, "attend": True}])
def test_a_long_question_is_seen_whole(tmp_path: Path, expansion: dict[str, Any] | None) -> None:
    """As far as a document, though the model was made for shorter ones."""
    encoder = opened(save_tiny_colbert(tmp_path / "tiny", expansion=expansion))
    (found,) = encoder.encode([" ".join(WORDS * 5)], kind="query")
    assert names(found) == WORDS * 5


@pytest.mark.parametrize("attend", [False, True])
def test_masks_are_no_words_of_the_question(tmp_path: Path, attend: bool) -> None:
    """A short question is lengthened as the model wants it; only its own words are compared."""
    from sentence_transformers import MultiVectorEncoder

    folder = save_tiny_colbert(tmp_path / "tiny", expansion={**MASKS, "attend": attend})
    (expected,) = MultiVectorEncoder(str(folder), device="cpu").encode_query(
        ["loss became nan"], convert_to_numpy=True
    )
    (found,) = opened(folder).encode(["loss became nan"], kind="query")
    assert len(expected) == 16
    assert names(found) == ["loss", "became", "nan"]
    np.testing.assert_allclose(found.tokens, expected[1:4], atol=1e-5)


def test_a_mark_before_the_text_is_none_of_its_tokens(tmp_path: Path) -> None:
    """Questions and documents are marked, and their words stand where they stood."""
    marks = {"query": "query: ", "document": "training, of "}
    encoder = opened(save_tiny_colbert(tmp_path / "tiny", prompts=marks))
    for kind in ("query", "document"):
        (found,) = encoder.encode(["loss nan"], kind=kind)
        assert names(found) == ["loss", "nan"]
        assert found.starts.tolist() == [0, 5]


def test_a_pooling_of_the_models_own_is_left_out(tmp_path: Path) -> None:
    """Its vectors stand for no token, whose rarity counts and whose place is quoted."""
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

    pooling = HierarchicalTokenPooling(pool_factor=2)
    encoder = opened(save_tiny_colbert(tmp_path / "tiny", further=[pooling]))
    assert names(encoder.encode([TEXT])[0]) == WORDS


def test_a_model_of_pylate_is_one(tmp_path: Path) -> None:
    """Saved by the library before: another type, marks by other names, no mask and no norm."""
    older = save_tiny_colbert(tmp_path / "older", expansion=MASKS)
    settings = older / "config_sentence_transformers.json"
    told = json.loads(settings.read_text("utf-8")) | {
        "model_type": "ColBERT",
        "query_prefix": "query: ",
        "document_prefix": "training: ",
        "query_length": 16,
        "document_length": 40,
        "attend_to_expansion_tokens": False,
        "skiplist_words": [".", ","],
    }
    settings.write_text(json.dumps(told), "utf-8")
    modules = older / "modules.json"
    modules.write_text(json.dumps(json.loads(modules.read_text("utf-8"))[:2]), "utf-8")
    assert is_multi_vector(older)
    encoder = opened(older)
    assert isinstance(encoder, ColbertEncoder)
    assert names(encoder.encode([TEXT])[0]) == WORDS


def test_what_is_marked_as_one_is_found(tmp_path: Path, folder: Path) -> None:
    """Stanford's by its architecture; a model of sentences, or a broken folder, is none."""
    (tmp_path / "config.json").write_text('{"architectures": ["HF_ColBERT"]}', "utf-8")
    assert is_multi_vector(tmp_path)
    (tmp_path / "config.json").write_text("[", "utf-8")
    assert not is_multi_vector(tmp_path)
    assert is_multi_vector(folder)
    assert not is_multi_vector(save_tiny_model(tmp_path / "sentences"))


def test_it_has_no_fast_form(folder: Path) -> None:
    """It runs in PyTorch; nobody tries to export it, or is told to."""
    assert not wants_export(str(folder), folder.parent)
    with pytest.raises(ModelError, match=r"no ONNX form here\. It runs"):
        export(str(folder), folder.parent)
    assert isinstance(opened(folder), ColbertEncoder)


def test_a_folder_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    """With the setting to change."""
    broken = save_tiny_colbert(tmp_path / "broken")
    (broken / "1_Dense" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=f"cannot load {broken}.* Set FAILBOT_MODEL"):
        opened(broken)


def test_a_memory_is_asked_with_it(folder: Path, store: Store, now: datetime) -> None:
    """What is recorded is embedded, found by its meaning, and quoted."""
    service = Service(store, Source(opened(folder), str(folder)))
    for happened in ("the loss became nan after steps of training", "a query of the training"):
        service.record(draft(happened), place=public(), author_id=ANA, now=now)
    service.embed_missing()
    answer = service.ask("the loss became nan", viewer=viewer())
    assert answer.hits[0].failure.number == 1
    assert answer.hits[0].sentence  # the offsets of its tokens point into the entry
    assert not answer.by_words_only
    assert answer.basis is not None
    assert answer.basis.origin == "cautious"


def test_doctor_does_not_send_for_what_there_is_not(folder: Path, tmp_path: Path) -> None:
    """A model without a fast form is no fault that a command would mend."""
    settings = {"FAILBOT_MODEL": str(folder), "FAILBOT_DATA": str(tmp_path)}
    checks = {one.name: one for one in examine(settings, slack=False, llm=False)}
    assert checks["fast model"].state == "ok"
    assert "runs in PyTorch" in checks["fast model"].words
