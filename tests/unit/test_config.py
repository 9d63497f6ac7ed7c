"""Settings come from the environment, and all that is wrong is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from failbot.config import VARIABLES, Config
from failbot.errors import ConfigError


def test_nothing_set_is_enough() -> None:
    """Every setting has a default that works."""
    config = Config.from_env({"XDG_DATA_HOME": "/data"})
    assert config.data_folder == Path("/data/failbot")
    assert config.database == Path("/data/failbot/failbot.db")
    assert config.slack_api_url == "https://slack.com/api/"


def test_settings_are_typed() -> None:
    """Numbers are numbers, an address ends in a slash, blanks count as not set."""
    config = Config.from_env(
        {
            "FAILBOT_DATA": "~/memory",
            "FAILBOT_PORT": " 8080 ",
            "SLACK_API_URL": "http://127.0.0.1:9/api",
            "FAILBOT_LOG_LEVEL": "debug",
            "SLACK_BOT_TOKEN": "  ",
        }
    )
    assert config.data_folder == Path.home() / "memory"
    assert (config.port, config.log_level) == (8080, "DEBUG")
    assert config.slack_api_url == "http://127.0.0.1:9/api/"
    assert config.slack_bot_token == ""


BAD = {
    "SLACK_BOT_TOKEN": "xapp-1",
    "SLACK_APP_TOKEN": "xoxb-1",
    "SLACK_API_URL": "slack.com",
    "FAILBOT_PORT": "99999",
    "FAILBOT_RETENTION_DAYS": "-1",
    "FAILBOT_RERANKER": "https://example.org/a model",
    "FAILBOT_LOG": "yaml",
    "FAILBOT_LOG_LEVEL": "loud",
    "FAILBOT_OPS_ADDRESS": "localhost:99999",
    "FAILBOT_LLM_URL": "models.example/v1",
    "FAILBOT_LLM_KEY": "k\ney",
    "FAILBOT_LLM_PRIVATE": "sometimes",
    "FAILBOT_LLM_PER_MINUTE": "-1",
}


@pytest.mark.parametrize("variable", BAD)
def test_a_malformed_setting_is_named(variable: str) -> None:
    """The message names the variable and what it must be."""
    with pytest.raises(ConfigError, match=f"{variable} must b"):
        Config.from_env({variable: BAD[variable]})


@pytest.mark.parametrize("address", ["9090/metrics", "http://x:1", "x:", ":", "::1:9090", "0"])
def test_an_ops_address_that_no_socket_could_have_is_refused(address: str) -> None:
    """Rather than at the first scrape."""
    with pytest.raises(ConfigError, match="FAILBOT_OPS_ADDRESS must be HOST:PORT"):
        Config.from_env({"FAILBOT_OPS_ADDRESS": address})


def test_all_problems_are_reported_together() -> None:
    """Nobody mends one setting at a time."""
    with pytest.raises(ConfigError) as raised:
        Config.from_env(BAD)
    assert all(variable in str(raised.value) for variable in BAD)


def test_a_token_is_never_repeated() -> None:
    """A message about a token does not hold it."""
    with pytest.raises(ConfigError) as raised:
        Config.from_env({"SLACK_BOT_TOKEN": "xoxp-secret"})
    assert "secret" not in str(raised.value)


def test_a_language_model_needs_its_name() -> None:
    """An address without a model is half a setting; neither is none."""
    with pytest.raises(ConfigError, match="FAILBOT_LLM_MODEL must be set with FAILBOT_LLM_URL"):
        Config.from_env({"FAILBOT_LLM_URL": "http://127.0.0.1:11434/v1"})


@pytest.mark.parametrize("word", ["yes", "YES"])
def test_the_language_models_settings_are_typed(word: str) -> None:
    """Off by default, private text included; said in words."""
    off = Config.from_env({})
    assert (off.llm_url, off.llm_private, off.llm_per_minute) == ("", False, 30)
    on = Config.from_env({"FAILBOT_LLM_PRIVATE": word, "FAILBOT_LLM_PER_MINUTE": "0"})
    assert (on.llm_private, on.llm_per_minute) == (True, 0)


URLS = ["http://user:secret@h/v1", "http://h/v1?key=secret", "http://h/#secret", "ftp://secret/v1"]


@pytest.mark.parametrize("url", URLS)
def test_an_address_holds_no_credentials(url: str) -> None:
    """They have a setting of their own; and the message does not repeat them."""
    with pytest.raises(ConfigError) as raised:
        Config.from_env({"FAILBOT_LLM_URL": url, "FAILBOT_LLM_MODEL": "m"})
    assert "FAILBOT_LLM_URL must be" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_every_setting_has_a_variable() -> None:
    """No field of Config is out of reach."""
    assert set(VARIABLES) == set(Config.__slots__)
