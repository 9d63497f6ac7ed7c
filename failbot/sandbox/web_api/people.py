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


def user_info(call: Call) -> JsonObject:
    """users.info."""
    call.need("users:read")
    return {"user": call.workspace.user_payload(call.person())}
