"""Whether Slack takes the tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from failbot.config import Config
from failbot.doctor.check import Check, fail, ok

SLACK_TIMEOUT_S = 10


def tokens(config: Config) -> Iterator[Check]:
    """Each that is set, tried against Slack's API, and those that are missing."""
    if not (config.slack_bot_token or config.slack_app_token or config.slack_signing_secret):
        yield ok("slack", "no tokens set; only `failbot serve` needs them")
        return
    if config.slack_bot_token:
        yield _called("bot token", lambda: _bot_token(config))
    else:
        yield fail("bot token", "SLACK_BOT_TOKEN is not set: OAuth & Permissions, Bot User token")
    if config.slack_app_token:
        yield _called("app token", lambda: _app_token(config))
    elif config.slack_signing_secret:
        yield ok("app token", "not set; `failbot serve --http` does without")
    else:
        yield fail(
            "app token",
            "SLACK_APP_TOKEN is not set: Basic Information, App-Level Tokens, connections:write",
        )


def _called(name: str, look: Callable[[], Check]) -> Check:
    from slack_sdk.errors import SlackApiError, SlackClientError

    try:
        return look()
    except SlackApiError as error:
        said = error.response.get("error", "unknown_error")
        return fail(name, f"Slack says {said}; {ADVICE.get(said, 'see docs.slack.dev')}")
    except (OSError, SlackClientError) as error:
        return fail(name, f"Slack cannot be reached ({type(error).__name__}); check the network")


ADVICE = {
    "invalid_auth": "copy the token again, and install the app to the workspace",
    "account_inactive": "the app was removed; install it again",
    "token_revoked": "the token was revoked; install the app again",
    "not_allowed_token_type": "this is another kind of token; mind xoxb- and xapp-",
    "missing_scope": "give the app-level token the scope connections:write",
    "ratelimited": "try again in a minute",
}


def _bot_token(config: Config) -> Check:
    from slack_sdk import WebClient

    from failbot.slack.manifest import SCOPES

    client = WebClient(
        token=config.slack_bot_token, base_url=config.slack_api_url, timeout=SLACK_TIMEOUT_S
    )
    answer = client.auth_test()
    headers = {name.lower(): value for name, value in answer.headers.items()}
    granted = {one.strip() for one in headers.get("x-oauth-scopes", "").split(",")}
    missing = [scope for scope in SCOPES if scope not in granted]
    if missing:
        return fail(
            "bot token",
            f"the scopes {', '.join(missing)} are missing; paste `failbot manifest` into the app "
            "and install it again",
        )
    return ok("bot token", f"{answer['user']} in {answer['team']}, all {len(SCOPES)} scopes")


def _app_token(config: Config) -> Check:
    from slack_sdk import WebClient

    client = WebClient(base_url=config.slack_api_url, timeout=SLACK_TIMEOUT_S)
    client.apps_connections_open(app_token=config.slack_app_token)
    return ok("app token", "Socket Mode opens")
