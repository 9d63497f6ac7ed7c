"""Where a secret ends and words begin: each pair lies on either side of an edge."""

from __future__ import annotations

import pytest

from failbot.memory.redact import redact

LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
KEY, PASSWORD, TOKEN = "[redacted: private key]", "[redacted: password]", "[redacted: token]"
HEX, MIXED = "3f9a1c77e0b24d58", "qV7xK2mP9sLd"
LONG = MIXED * 3  # as long as a token of GitHub, behind its mark


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"before\n{LINE}\n{LINE[:20]}\n-----END PRIVATE KEY-----\nafter", f"before\n{KEY}\nafter"),
        (
            f"a\n{LINE}\n-----END PRIVATE KEY-----\nb\n{LINE}\n-----END RSA PRIVATE KEY-----\nc",
            f"a\n{KEY}\nb\n{KEY}\nc",
        ),
        (f"{LINE}\n-----END PRIVATE KEY-----", KEY),
        ("it ends in\n-----END PRIVATE KEY-----\nas usual", None),
        (
            f"a\n-----BEGIN {'PRIVATE'} KEY-----\n{LINE}\n-----END PRIVATE KEY-----\nb",
            f"a\n{KEY}\nb",
        ),
        ("password\nhunter2x!9Q\nthen", f"password\n{PASSWORD}\nthen"),
        ("password: sunshine", f"password: {PASSWORD}"),
        ("db:\n  password: sunshine\n  port: 5", f"db:\n  password: {PASSWORD}\n  port: 5"),
        ("password: sunshine\r\nport: 5", f"password: {PASSWORD}\r\nport: 5"),
        ("the password: sunshine is out", None),
        ("my password: sunshine", None),
        ("password: sunny", None),
        ("password: Sunshine", None),
        (
            "| user | password |\n|---|---|\n| ana | wrong |\n| ben | hunter2x! |",
            f"| user | password |\n|---|---|\n| ana | wrong |\n| ben | {PASSWORD} |",
        ),
        (
            "| user | token |\n|---|---|\n| ana | hunter2x! |\n| ben | a8Kd93jfKs02LsPq7xZ |",
            f"| user | token |\n|---|---|\n| ana | hunter2x! |\n| ben | {TOKEN} |",
        ),
        ("redis-cli -a hunter2x -p 6379", f"redis-cli -a {PASSWORD} -p 6379"),
        ("redis-cli -a /etc/pw2 -p 6379", None),
        ("redis-cli -a --5x9Z -p 6379", None),
    ],
)
def test_a_secret_is_taken_out_to_its_edge(text: str, told: str | None) -> None:
    """All of it and nothing beside it; what only looks like one stays as it is."""
    assert redact(text)[0] == (text if told is None else told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('the password is "abcd"', f'the password is "{PASSWORD}"'),
        ('the password is "abc"', None),
        ("password: 123456 here", f"password: {PASSWORD} here"),
        ("password: 12345 here", None),
        ("connect(user, password=sunshine)", None),
        ("connect(password=sunshine, user)", None),
        ('connect(user, password="sunshine")', f'connect(user, password="{PASSWORD}")'),
        ("connect(user, password=sunShine)", f"connect(user, password={PASSWORD})"),
        ("password=sunshine", f"password={PASSWORD}"),
        ("DB_PASS=abcd", f"DB_PASS={PASSWORD}"),
        ("DB_PASS=abc", None),
        ("API_KEY=QUARTZFOUNDRY", "API_KEY=[redacted: key]"),
        ("API_KEY=QUARTZF", None),
        ("API_KEY: QUARTZFOUNDRYQUARTZF", "API_KEY: [redacted: key]"),
        ("API_KEY: QUARTZFOUNDRYQUARTZ", None),
    ],
)
def test_a_plain_value_is_judged_by_its_name_and_sign(text: str, told: str | None) -> None:
    """Short ones, numbers and variables are none; what is assigned or quoted needs less."""
    assert redact(text)[0] == (text if told is None else told)


@pytest.mark.parametrize(
    ("heading", "cell", "kind"),
    [
        ("passwd", "hunter2x!", "password"),
        ("PASSWORD", "hunter2x!", "password"),
        ("pw", "hunter2x!", "password"),
        ("private key", "hunter2x!", None),
        ("private key", f"{MIXED}Q7", "key"),
        ("api_key", f"{MIXED}Q7", "key"),
        ("api-key", f"{MIXED}Q7", "key"),
        ("token", f"{MIXED}Q7", "token"),
    ],
)
def test_a_heading_says_what_its_cells_are(heading: str, cell: str, kind: str | None) -> None:
    """Passwords are judged as such; all else must be random, and is told by its last word."""
    for table in ("| user | {} |\n|---|---|\n| ana | {} |", "{},user\n{},ana"):
        left = table.format(heading, f"[redacted: {kind}]" if kind else cell)
        assert redact(table.format(heading, cell))[0] == left


def test_a_row_of_a_thousand_characters_is_the_last_of_a_table() -> None:
    """A longer one is something else, and what comes after it has no heading."""
    row = "{},{}\n" + f"{MIXED}Q7,ben"
    for size, left in ((1_000, f"{TOKEN},ben"), (1_001, f"{MIXED}Q7,ben")):
        note = "x" * (size - len(f"{MIXED}Q7,"))
        told = redact("token,user\n" + row.format(f"{MIXED}Q7", note))[0]
        assert told.splitlines()[-1] == left


@pytest.mark.parametrize(
    ("secret", "rest", "goes"),
    [
        (f"token: {HEX}", HEX, True),
        (f"token: {HEX}", "0abcde", True),
        (f"token: {HEX}", "0abcd", False),
        (f"token: {HEX}", "abcdef", False),
        (f"token: {HEX}", "ABCDEF123456", False),
        (f"token: {HEX}", "Step90", False),
        (f"token: {MIXED}", "Step90", True),
        (f"token: {MIXED}", "90step", True),
        (f"token: {MIXED}", "90STEP", True),
        (f"token: {MIXED}", "stepUp", False),
        (f"token: {MIXED}", "step90", True),
        (f"token: {MIXED}", "deadline", False),
        (f"token: {MIXED}", "Step_90x", False),
        (f"token: {MIXED}", "uV7xK2mP9sLdQw3Er5Ty", True),
        (f"token: {MIXED}", "uV7xK2mP9sLd_Qw3Er5Ty", False),
        (f"gh{'p'}_{LONG}", "uV7xK2mP9sLd_Qw3Er5Ty", True),
    ],
)
def test_the_next_line_belongs_to_a_secret_that_goes_on(secret: str, rest: str, goes: bool) -> None:
    """More of the same digits, or letters with digits; a word or an identifier stays."""
    left, kinds = redact(f"{secret}\n{rest}\nThe end.")
    assert len(kinds) == 1
    assert (rest not in left) == goes
    assert left.endswith("\nThe end.")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://x.org/a?sig=aB3%2Fx9Q%2Fz7K%2Bm4T%3D", "https://x.org/a?sig=[redacted: {}]"),
        ("https://x.org/?session=a-very-ordinary-name-of-it", None),
        (f"https://x.org/?token=your-{MIXED}-{MIXED}", None),
    ],
)
def test_an_address_is_signed_by_what_is_random(text: str, told: str | None) -> None:
    """Also where its signs are escaped; a name or a placeholder is no signature."""
    assert redact(text)[0] == (text if told is None else told.format("signed address"))


def test_an_address_is_no_password() -> None:
    """Where a program takes the next word for one."""
    text = "twine upload -p https://upload.example.org/Legacy2 dist"
    assert redact(text) == (text, ())


def test_a_broken_token_ends_with_its_last_piece() -> None:
    """The next line is text again."""
    broken = f"gh{'p'}_{LONG[:20]}\n{LONG[20:]}"
    for after in ("afterwards", "afterwards\nand more"):
        left = redact(f"{broken}\n{after}")[0]
        assert left == f"[redacted: github token]\n{after}"


@pytest.mark.parametrize(
    ("value", "is_random"),
    [
        ("abcdefgh9ij8", True),
        ("abcdefgh9ijk", False),
        ("abcdefgh9ijklmn8", True),
        ("abcdefgh9ijklmno8", False),
        ("123456789012", False),
    ],
)
def test_three_changes_and_one_in_six_make_a_run_random(value: str, is_random: bool) -> None:
    """Between letters and digits, small and capital."""
    assert bool(redact(f"token: {value}")[1]) == is_random


@pytest.mark.parametrize(
    "told",
    [
        "ALTER USER x IDENTIFIED BY {}",
        "requirepass {}",
        "masterauth {}",
        "connect WITH password '{}'",
    ],
)
def test_what_a_statement_sets_is_a_password_however_plain(told: str) -> None:
    """From four characters on."""
    for plain, goes in (("sunshine", True), ("abcd", True), ("abc", False)):
        assert (redact(told.format(plain))[0] == told.format(PASSWORD)) == goes


def test_twelve_words_are_a_recovery_phrase() -> None:
    """Eleven are a sentence."""
    words = "apple river stone cloud paper tiger ocean music green chair bread"
    assert redact(f'mnemonic: "{words} light"')[1] == ("secret",)
    assert redact(f'mnemonic: "{words}"')[1] == ()
