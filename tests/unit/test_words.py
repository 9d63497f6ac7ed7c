"""Words that match, and what is left of a long paste."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from failbot.search.words import PASTE_LIMIT, content_words, salient, words


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("illegal address", "CUDA_ERROR_ILLEGAL_ADDRESS"),
        ("cuda_error_illegal_address", "CUDA_ERROR_ILLEGAL_ADDRESS"),
        ("the scaler", "GradScaler"),
        ("gradscaler", "GradScaler"),
        ("HTTP", "HTTPServer"),
        ("bpb", "val_bpb"),
        ("bf16", "bf16"),
        ("80 ms", "80ms"),
        (".95", "0.95"),
        ("1e-8", "eps=1e-8,"),
        ("diverged", "diverging"),
        ("NaN", "nan"),
        ("ﬁne-tuning", "fine tuned"),
    ],
)
def test_what_an_engineer_types_meets_what_was_stored(asked: str, stored: str) -> None:
    """Every word of the question is among the words of the text."""
    assert words(asked)
    assert set(words(asked)) <= set(words(stored))


def test_stop_words_and_tails_of_contractions_are_dropped() -> None:
    """What carries no problem is no word."""
    assert words("why don't we see it, isn't that the one?") == words("see")


def test_a_version_number_is_no_decimal_number() -> None:
    """Its parts are words of their own."""
    assert words("v1.2.3")[-2:] == ["2", "3"]


def test_repeats_are_kept_in_order() -> None:
    """BM25 counts them."""
    assert words("loss spike loss") == ["loss", "spike", "loss"]


@pytest.mark.parametrize(
    ("text", "count"),
    [("test", 1), ("ok", 1), ("is it the?", 0), ("loss losses", 1), ("loss spike", 2)],
)
def test_content_words_are_counted_once(text: str, count: int) -> None:
    """Different meanings count, not letters."""
    assert content_words(text) == count


def test_a_short_question_is_encoded_as_it_is() -> None:
    """Only its line breaks go."""
    assert salient("loss is NaN\n  after warmup") == "loss is NaN after warmup"


PASTE = """we started the 70B run again last night and it died, has anyone seen this before?
```
2026-11-02 03:11:09 INFO step 4711 loss 2.31 lr 3e-4 tokens per second 41000 grad norm 0.4
2026-11-02 03:11:10 INFO step 4712 loss 2.30 lr 3e-4 tokens per second 41010 grad norm 0.4
2026-11-02 03:11:11 INFO step 4713 loss 2.32 lr 3e-4 tokens per second 41007 grad norm 0.4
Traceback (most recent call last):
  File "/home/ana/project/train/main.py", line 88, in <module>
    main(parse_arguments())
  File "/home/ana/project/train/engine.py", line 311, in step
    torch.distributed.all_reduce(tensor)
RuntimeError: NCCL error: unhandled system error 0x7f3a2b00c1d0
```
"""


def test_a_long_paste_keeps_the_error_and_the_persons_words() -> None:
    """Routine log lines go first."""
    told = salient(PASTE, limit_words=32)
    assert "RuntimeError: NCCL error: unhandled system error" in told
    assert told.startswith("we started the 70B run again")
    assert "INFO" not in told


def test_where_little_fits_the_error_is_what_is_left() -> None:
    """It tells more than anything around it."""
    assert salient(PASTE, limit_words=6) == "RuntimeError: NCCL error: unhandled system error"


def test_addresses_folders_and_time_stamps_go() -> None:
    """They are of one machine and one night."""
    told = salient(PASTE, limit_words=60)
    assert "0x7f3a2b00c1d0" not in told
    assert "/home/ana" not in told
    assert "03:11" not in told


def test_the_innermost_frame_comes_before_the_outer_ones() -> None:
    """Where it broke tells more than where it began."""
    frames = "\n".join(f'  File "a.py", line {n}, in layer{n}' for n in range(40))
    told = salient(f"ValueError: bad shape\n{frames}", limit_words=20)
    assert "layer39" in told
    assert "layer0" not in told


LOG = """we saw this again on friday
ValueError: bad shape
  File "a.py", line 3, in outer
  File "b.py", line 4, in inner
import torch
2026-11-02 03:11:09 INFO step 4711"""


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (3, "ValueError: bad shape"),
        (9, "we saw this again on friday ValueError: bad shape"),
        (
            15,
            'we saw this again on friday ValueError: bad shape File "b.py", line 4, in inner',
        ),
    ],
)
def test_what_tells_most_is_kept_first(limit: int, told: str) -> None:
    """The error, the person's words, the innermost frame; what is left stays in its order."""
    assert salient(LOG, limit_words=limit) == told


def test_a_cleaned_line_is_joined_by_single_spaces() -> None:
    """What goes leaves nothing behind, and its neighbours are no one word."""
    line = "failed at 0x7f3a2b00c1d0 in /home/ana/project/train/main.py"
    assert salient(f"{line}\n{'word ' * 9}", limit_words=4) == "failed at in main.py"


def test_one_endless_line_is_cut_at_the_limit() -> None:
    """Also a paste without line breaks is bounded."""
    assert len(salient("word " * 5_000).split()) == PASTE_LIMIT


@given(st.text(max_size=2_000))
def test_any_text_is_bounded_and_never_refused(text: str) -> None:
    """Hostile text gives words without spaces and a paste within its limit."""
    assert len(salient(text).split()) <= PASTE_LIMIT
    assert all(word and not any(char.isspace() for char in word) for word in words(text))
    assert content_words(text) >= 0


def test_what_fits_is_left_as_it_is() -> None:
    """Just as many words as fit, on whatever lines, with their time stamps and repeats."""
    text = "2026-11-02 03:11:09 failed\nat a\nat a"
    assert salient(text, limit_words=7) == "2026-11-02 03:11:09 failed at a at a"
    assert salient(text, limit_words=6) == "failed at a"


def test_a_repeated_line_counts_once() -> None:
    """A log says the same a thousand times."""
    assert salient("loss is nan\n" * 9 + "so we stopped", limit_words=8) == (
        "loss is nan so we stopped"
    )


def test_frames_come_before_code_and_routine_lines() -> None:
    """Where it broke tells more than what is imported, or logged all the time."""
    lines = ["import torch", "2026-11-02 INFO all is well here", '  File "a.py", line 3, in inner']
    assert salient("\n".join(lines), limit_words=6) == 'File "a.py", line 3, in inner'
