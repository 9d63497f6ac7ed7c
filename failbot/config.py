"""Settings: read once from a mapping, all problems reported together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failbot.errors import ConfigError

SLACK_API_URL = "https://slack.com/api/"
DEFAULT_MODEL = "failbot-minilm-1"  # shipped in encoder/shipped, trained by tests/training
MINILM = "all-MiniLM-L6-v2"  # what it was tuned from, and the default before it
LOOPBACK = "127.0.0.1"
LOCAL_TEAM_ID = "local"  # the workspace of entries logged before any Slack workspace is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting; the environment variable of each is in `VARIABLES`."""

    data_folder: Path
    team_id: str = ""
    model: str = DEFAULT_MODEL
    reranker: str = ""
    llm_url: str = ""
    llm_model: str = ""
    llm_key: str = ""
    llm_private: bool = False
    llm_per_minute: int = 30
    secrets: Path | None = None
    retention_days: int = 180
    slack_bot_token: str = ""
    slack_app_token: str = ""
    slack_signing_secret: str = ""
    slack_api_url: str = SLACK_API_URL
    host: str = LOOPBACK
    port: int = 3000
    ops_address: str = ""  # HOST:PORT, or PORT on loopback; "" for none
    log: str = "text"
    log_level: str = "INFO"

    @property
    def database(self) -> Path:
        return self.data_folder / "failbot.db"

    @property
    def ops(self) -> tuple[str, int] | None:
        """The host and port for `/healthz`, `/readyz` and `/metrics`; None where none is set."""
        if not self.ops_address:
            return None
        host, _, port = self.ops_address.rpartition(":")
        return host.strip("[]") or LOOPBACK, int(port)

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Config:
        """The settings of this environment. :raises ConfigError: naming every malformed one."""
        values = {
            name: environment[variable].strip()
            for name, variable in VARIABLES.items()
            if environment.get(variable, "").strip()
        }
        problems = [words for name, value in values.items() if (words := _problem(name, value))]
        if "llm_url" in values and "llm_model" not in values:
            problems.append("FAILBOT_LLM_MODEL must be set with FAILBOT_LLM_URL")
        if problems:
            raise ConfigError("; ".join(problems))
        return cls(**_typed(values, environment))


VARIABLES = {
    "data_folder": "FAILBOT_DATA",
    "team_id": "FAILBOT_TEAM_ID",
    "model": "FAILBOT_MODEL",
    "reranker": "FAILBOT_RERANKER",
    "llm_url": "FAILBOT_LLM_URL",
    "llm_model": "FAILBOT_LLM_MODEL",
    "llm_key": "FAILBOT_LLM_KEY",
    "llm_private": "FAILBOT_LLM_PRIVATE",
    "llm_per_minute": "FAILBOT_LLM_PER_MINUTE",
    "secrets": "FAILBOT_SECRETS",
    "retention_days": "FAILBOT_RETENTION_DAYS",
    "slack_bot_token": "SLACK_BOT_TOKEN",
    "slack_app_token": "SLACK_APP_TOKEN",
    "slack_signing_secret": "SLACK_SIGNING_SECRET",
    "slack_api_url": "SLACK_API_URL",
    "host": "FAILBOT_HOST",
    "port": "FAILBOT_PORT",
    "ops_address": "FAILBOT_OPS_ADDRESS",
    "log": "FAILBOT_LOG",
    "log_level": "FAILBOT_LOG_LEVEL",
}
# A folder, or one of the hub's names.
RERANKER = re.compile(r"[./~].*|[\w.-]+(/[\w.-]+)*")
# A base address: what identifies the user is FAILBOT_LLM_KEY's, and a query would be lost.
LLM_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", re.IGNORECASE)
YES_OR_NO = {"yes": True, "no": False}
MOST_PER_MINUTE = 100_000
MOST_DAYS = 36_500
# PORT, HOST:PORT or [IPv6]:PORT.
OPS_ADDRESS = re.compile(r"(([\w.-]+|\[[0-9A-Fa-f:]+\]):)?([0-9]{1,5})")
LOGS = ("text", "json")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def _problem(name: str, value: str) -> str:
    variable = VARIABLES[name]
    if name == "slack_bot_token" and not value.startswith("xoxb-"):
        return f"{variable} must begin with xoxb- (OAuth & Permissions, Bot User OAuth Token)"
    if name == "slack_app_token" and not value.startswith("xapp-"):
        return f"{variable} must begin with xapp- (Basic Information, App-Level Tokens)"
    if name == "slack_api_url" and not value.startswith(("http://", "https://")):
        return f"{variable} must begin with http:// or https://"
    if name == "reranker" and not RERANKER.fullmatch(value):
        return (
            f"{variable} must be a folder or the name of a published cross-encoder, such as "
            f"cross-encoder/ms-marco-MiniLM-L6-v2, not {value!r}"
        )
    if name.startswith("llm_"):
        return _llm_problem(name, value)
    if name == "port" and not (value.isdigit() and 0 < int(value) < 65536):
        return f"{variable} must be a whole number from 1 to 65535, not {value!r}"
    if name == "retention_days" and not (value.isdecimal() and int(value) <= MOST_DAYS):
        return f"{variable} must be a whole number of days, 0 for ever, not {value!r}"
    if name == "ops_address":
        return _ops_problem(value)
    if name == "log" and value.lower() not in LOGS:
        return f"{variable} must be one of {', '.join(LOGS)}, not {value!r}"
    if name == "log_level" and value.upper() not in LOG_LEVELS:
        return f"{variable} must be one of {', '.join(LOG_LEVELS)}, not {value!r}"
    return ""


def _ops_problem(value: str) -> str:
    found = OPS_ADDRESS.fullmatch(value)
    if found and 0 < int(found[3]) < 65536:
        return ""
    return f"FAILBOT_OPS_ADDRESS must be HOST:PORT, or a PORT of this machine, not {value!r}"


def _llm_problem(name: str, value: str) -> str:
    variable = VARIABLES[name]
    if name == "llm_url" and not LLM_URL.fullmatch(value):  # not repeated: it may hold a key
        return (
            f"{variable} must be the base address of a chat API, such as "
            "http://127.0.0.1:11434/v1, without a user, query or fragment"
        )
    if name == "llm_private" and value.lower() not in YES_OR_NO:
        return f"{variable} must be yes or no, not {value!r}"
    if name == "llm_per_minute" and not (value.isdecimal() and int(value) <= MOST_PER_MINUTE):
        return f"{variable} must be a whole number, 0 for no limit, not {value!r}"
    if name == "llm_key" and not (value.isascii() and value.isprintable()):
        return f"{variable} must be printable ASCII, as an HTTP header takes it"
    return ""


def _typed(values: dict[str, str], environment: Mapping[str, str]) -> dict[str, Any]:
    typed: dict[str, Any] = dict(values)
    typed["data_folder"] = _data_folder(values.get("data_folder", ""), environment)
    if "secrets" in values:
        typed["secrets"] = Path(values["secrets"]).expanduser()
    for name in ("port", "llm_per_minute", "retention_days"):
        if name in values:
            typed[name] = int(values[name])
    if "llm_private" in values:
        typed["llm_private"] = YES_OR_NO[values["llm_private"].lower()]
    if "log" in values:
        typed["log"] = values["log"].lower()
    if "log_level" in values:
        typed["log_level"] = values["log_level"].upper()
    if "slack_api_url" in values:
        typed["slack_api_url"] = values["slack_api_url"].rstrip("/") + "/"
    return typed


def _data_folder(value: str, environment: Mapping[str, str]) -> Path:
    """XDG base directory specification, section 3: `$XDG_DATA_HOME`, else `~/.local/share`."""
    if value:
        return Path(value).expanduser()
    base = environment.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "failbot"
