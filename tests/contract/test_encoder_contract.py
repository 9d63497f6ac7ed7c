"""One suite for every encoder: a fake, the shipped, PyTorch, ColBERT, ONNX in two precisions."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from failbot.config import DEFAULT_MODEL, MINILM
from failbot.encoder import Encoder, Encoding, Runtime, open_encoder
from failbot.encoder.export import export, export_in_subprocess
from tests.fakes import WordEncoder
from tests.tiny_model import save_tiny_colbert, save_tiny_model

TEXTS = [
    "The loss became NaN after 900 steps.",
    "training",
    "",
    "We froze the embeddings and the validation score stayed flat. " * 6,
    "CUDA_ERROR_ILLEGAL_ADDRESS in all_reduce, 学習率 🤖 café",
]
HOSTILE = [
    "\ud800 alone, \udc00\ud800 the wrong way round, \ud83d\ude00 a pair",
    "a\0b\0",
    "\x00",
    "\u202e\u0301\ufeff\uffff\U0010ffff",
    "[CLS] [SEP] [PAD] [MASK]",
    " \n\t\r ",
    "a" * 100_000,
    "loss " * 20_000,
    "💥" * 1_000,
]


RUNTIMES: dict[str, tuple[str, Runtime]] = {
    "shipped": (DEFAULT_MODEL, "onnx"),
    "tiny in PyTorch": ("tiny", "transformers"),
    "tiny in ONNX": ("tiny", "onnx"),
    "MiniLM in PyTorch": (MINILM, "transformers"),
    "MiniLM in ONNX": (MINILM, "onnx"),
    "a tiny ColBERT": ("colbert", "transformers"),
    "a tiny ColBERT, questions lengthened": ("colbert with masks", "transformers"),
}


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the exports of MiniLM and of a tiny model beside it."""
    pytest.importorskip("torch", reason="PyTorch makes the exports")
    folder = tmp_path_factory.mktemp("data")
    export_in_subprocess(MINILM, folder)
    export(str(save_tiny_model(folder / "tiny")), folder)
    marks = {"query": "query: ", "document": "training: "}
    save_tiny_colbert(folder / "colbert", prompts=marks)
    masks = {"strategy": "fixed", "length": 16, "attend": True}
    save_tiny_colbert(folder / "colbert with masks", expansion=masks)
    return folder


@pytest.fixture(scope="session", params=["fake", *RUNTIMES])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    """Each kind of encoder, made once."""
    if request.param == "fake":
        return WordEncoder()
    model, runtime = RUNTIMES[request.param]
    if model == DEFAULT_MODEL:
        return open_encoder(model, data_folder=tmp_path_factory.mktemp("none"), runtime=runtime)
    data_folder: Path = request.getfixturevalue("data_folder")
    model = model if model == MINILM else str(data_folder / model)
    return open_encoder(model, data_folder=data_folder, runtime=runtime)


def assert_same(found: list[Encoding], expected: list[Encoding]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.token_ids.tolist() == other.token_ids.tolist()
        np.testing.assert_allclose(one.sentence, other.sentence, rtol=0, atol=1e-5)
        np.testing.assert_allclose(one.tokens, other.tokens, rtol=0, atol=1e-5)


def test_shapes_and_types_are_as_promised(encoder: Encoder) -> None:
    """Sentence (d,), tokens (t, h), token_ids (t,), with their types."""
    for one in encoder.encode(TEXTS):
        assert one.sentence.shape == (encoder.dimension,)
        assert one.tokens.shape[:1] == one.token_ids.shape
        assert one.tokens.ndim == 2
        assert (one.sentence.dtype, one.tokens.dtype) == (np.float32, np.float32)
        assert one.token_ids.dtype == np.int32
        assert one.starts.dtype == np.int32
        assert one.starts.shape == one.token_ids.shape


def test_starts_point_into_the_text(encoder: Encoder) -> None:
    """Tokens know where they came from; a prompt before the text does not shift them."""
    for kind in ("document", "query"):
        found = encoder.encode(["loss loss loss"], kind=kind)[0]
        assert sorted(set(found.starts.tolist()) & {0, 5, 10}) == [0, 5, 10]
        assert found.starts.tolist() == sorted(found.starts.tolist())


def test_every_vector_has_length_one(encoder: Encoder) -> None:
    """Inner products of sentences, and of tokens, are cosines."""
    for one in encoder.encode([*TEXTS, *HOSTILE]):
        np.testing.assert_allclose(np.linalg.norm(one.sentence), 1, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(one.tokens, axis=1), 1, atol=1e-5)


def test_no_texts_give_no_encodings(encoder: Encoder) -> None:
    """An empty list is answered with an empty list."""
    assert encoder.encode([]) == []


def test_an_empty_text_has_no_tokens(encoder: Encoder) -> None:
    """What is not the text's own, such as [CLS], has no token vector."""
    for one in encoder.encode(["", " \n "]):
        assert len(one.tokens) == 0
        assert np.isfinite(one.sentence).all()


def test_the_same_text_gives_the_same_vectors(encoder: Encoder) -> None:
    """Encoding is deterministic, to the last bit."""
    first, second = encoder.encode(TEXTS), encoder.encode(TEXTS)
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.sentence, other.sentence)
        assert np.array_equal(one.tokens, other.tokens)


def test_a_batch_gives_what_single_texts_give_in_order(encoder: Encoder) -> None:
    """Neighbours, padding and sorting by length leave no trace."""
    texts = [*TEXTS, *reversed(TEXTS), *(f"step {number} of training" for number in range(12))]
    assert_same(encoder.encode(texts), [encoder.encode([text])[0] for text in texts])


def test_different_texts_give_different_vectors(encoder: Encoder) -> None:
    """An encoder that ignored its text would pass every other test."""
    one, other = encoder.encode(["The loss became NaN.", "of training steps"])
    assert one.sentence @ other.sentence < 0.99


def test_hostile_text_is_encoded_like_any_other(encoder: Encoder) -> None:
    """Lone surrogates, NUL, control characters and huge texts give finite vectors."""
    for one in encoder.encode(HOSTILE):
        assert np.isfinite(one.sentence).all()
        assert np.isfinite(one.tokens).all()


def test_special_tokens_typed_by_a_person_are_no_tokens_of_the_text(encoder: Encoder) -> None:
    """Padding and separators never become token vectors, wherever they came from."""
    if isinstance(encoder, WordEncoder):
        pytest.skip("words are its only tokens")
    typed = encoder.encode(["[CLS] [SEP] [PAD] loss"])[0]
    assert typed.token_ids.tolist() == encoder.encode(["loss"])[0].token_ids.tolist()


@settings(deadline=None, max_examples=20)
@given(text=st.text(st.characters(codec=None, categories=None), max_size=80))
def test_any_text_whatsoever_is_encoded(encoder: Encoder, text: str) -> None:
    """Every string that Python can hold, surrogates included, gives one Encoding."""
    found = encoder.encode([text])[0]
    assert np.isfinite(found.sentence).all()
    assert len(found.tokens) == len(found.token_ids)


def test_eight_threads_at_once_get_what_one_gets(encoder: Encoder) -> None:
    """Any thread may call at any time."""
    alone = [encoder.encode([text])[0] for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(encoder.encode, [TEXTS] * 16))
    for found in together:
        assert_same(found, alone)


def test_vectors_are_the_callers_own(encoder: Encoder) -> None:
    """Changing what came back changes nothing that comes back later."""
    before = encoder.encode(["loss of training"])[0]
    kept = before.sentence.copy()
    before.sentence[:] = 0
    before.tokens[:] = 0
    assert np.array_equal(encoder.encode(["loss of training"])[0].sentence, kept)


def test_both_run_times_of_minilm_agree(data_folder: Path) -> None:
    """Vectors that PyTorch made before the export was there stay comparable with later ones."""
    texts = [text for text in TEXTS if text]
    one = open_encoder(MINILM, data_folder=data_folder, runtime="transformers")
    other = open_encoder(MINILM, data_folder=data_folder, runtime="onnx")
    assert (one.name, one.dimension) == (other.name, other.dimension) == (MINILM, 384)
    for slow, fast in zip(one.encode(texts), other.encode(texts), strict=True):
        assert slow.token_ids.tolist() == fast.token_ids.tolist()
        assert slow.sentence @ fast.sentence > 0.97
        assert np.mean(np.sum(slow.tokens * fast.tokens, axis=1)) > 0.97


def test_pytorch_stays_out_of_a_process_that_has_an_export(data_folder: Path) -> None:
    """Opening and encoding by ONNX imports no library that takes seconds to load."""
    code = (
        "import sys; from pathlib import Path; from failbot.encoder import open_encoder; "
        f"encoder = open_encoder({MINILM!r}, data_folder=Path(sys.argv[1])); "
        "encoder.encode(['loss']); print(' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(data_folder)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "transformers", "sentence_transformers", "huggingface_hub"}
