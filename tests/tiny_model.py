"""A small random sentence-transformers model, made here, for tests of any model but the default."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]
WORDS = ["the", "loss", "became", "nan", "after", "steps", "of", "training", "query", ":", ".", ","]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *LETTERS]
VOCABULARY += [f"##{letter}" for letter in LETTERS]
HIDDEN = 32
COLBERT_HIDDEN = 8


def save_tiny_model(
    folder: Path,
    *,
    pooling: str = "mean",
    further: Sequence[Any] = (),
    prompts: dict[str, str] | None = None,
) -> Path:
    """A BERT of two layers with this pooling and further modules, saved with safetensors."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = Transformer(str(_save_backbone(folder)))
    pooled = Pooling(HIDDEN, pooling_mode=pooling)
    model = SentenceTransformer(modules=[transformer, pooled, *further], prompts=prompts)
    model.max_seq_length = 40
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def save_tiny_colbert(
    folder: Path,
    *,
    expansion: dict[str, Any] | None = None,
    prompts: dict[str, str] | None = None,
    further: Sequence[Any] = (),
) -> Path:
    """A ColBERT of two layers with eight figures a token, punctuation left out of documents."""
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
    from torch import nn

    transformer = Transformer(
        str(_save_backbone(folder)),
        document_length=40,
        query_length=None if expansion else 12,
        query_expansion=expansion,
    )
    projection = Dense(
        HIDDEN,
        COLBERT_HIDDEN,
        bias=False,
        activation_function=nn.Identity(),
        module_input_name="token_embeddings",
    )
    mask = MultiVectorMask(skiplist_words=[".", ","])
    unit = Normalize(module_input_name="token_embeddings")
    model = MultiVectorEncoder(
        modules=[transformer, projection, mask, unit, *further], prompts=prompts
    )
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def _save_backbone(folder: Path) -> Path:
    """A random BERT of two layers and its tokenizer, beside the folder."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=48,
        # Wide weights: with the usual 0.02 a random model says nearly the same of every text.
        initializer_range=0.5,
    )
    backbone = folder.parent / f"{folder.name}-backbone"
    BertModel(config).save_pretrained(backbone)
    _tokenizer().save_pretrained(backbone)
    return backbone


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    ids = {word: number for number, word in enumerate(VOCABULARY)}
    inner = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer()
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    names |= {"sep_token": "[SEP]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=48, **names)


def save_tiny_reranker(folder: Path, *, outputs: int = 1) -> Path:
    """A cross-encoder of two layers with so many outputs, saved with safetensors."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=48,
        initializer_range=0.5,  # as above
        num_labels=outputs,
    )
    backbone = folder.parent / f"{folder.name}-backbone"
    BertForSequenceClassification(config).save_pretrained(backbone)
    _tokenizer().save_pretrained(backbone)
    # Many published ones give their score as it is, of any size.
    model = CrossEncoder(str(backbone), activation_fn=torch.nn.Identity())
    model.save_pretrained(str(folder), create_model_card=False)
    return folder
