"""Methods about people and tokens."""

from __future__ import annotations

from failbot.sandbox.refusal import JsonObject
from failbot.sandbox.web_api.call import Call


def auth_test(call: Call) -> JsonObject:
    """auth.test: whose token this is."""
    workspace = call.workspace
    return {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.name,
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": call.app.bot_user_id,
        "bot_id": call.app.bot_id,
        "is_enterprise_install": False,
    }


def user_list(call: Call) -> JsonObject:
    """users.list, paged: this workspace's people, deactivated ones and bots among them."""
    call.need("users:read")
    workspace = call.workspace
    people = [one for one in workspace.people.values() if not workspace.is_foreign(one)]
    page, cursor = call.page(people)
    return {
        "members": [workspace.user_payload(one) for one in page],
        "cache_ts": int(workspace.clock.time()),
        "response_metadata": {"next_cursor": cursor},
    }


def user_info(call: Call) -> JsonObject:
    """users.info."""
    call.need("users:read")
    return {"user": call.workspace.user_payload(call.person())}
