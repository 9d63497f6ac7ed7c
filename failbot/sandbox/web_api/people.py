"""Methods about people, bots, teams, tokens and reactions."""

from __future__ import annotations

from failbot.sandbox import payloads
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import Message
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


def api_test(call: Call) -> JsonObject:
    """api.test: the arguments back; an `error` argument as the answer's error."""
    arguments = {k: v for k, v in call.arguments.items() if k != "token"}
    error = call.string("error")
    if error:
        raise Refusal(error, fields={"args": arguments})
    return {"args": arguments}


def user_info(call: Call) -> JsonObject:
    """users.info."""
    call.need("users:read")
    return {"user": call.workspace.user_payload(call.person())}


def user_list(call: Call) -> JsonObject:
    """users.list, paged."""
    call.need("users:read")
    people, cursor = call.page(list(call.workspace.people.values()), default=1000)
    return {
        "members": [call.workspace.user_payload(person) for person in people],
        "cache_ts": int(call.platform.clock.time()),
        "response_metadata": {"next_cursor": cursor},
    }


def bot_info(call: Call) -> JsonObject:
    """bots.info, of the app's own bot."""
    call.need("users:read")
    if call.required("bot", error="bot_not_found") != call.app.bot_id:
        raise Refusal("bot_not_found")
    return {"bot": payloads.bot_profile(call.app)}


def team_info(call: Call) -> JsonObject:
    """team.info."""
    call.need("team:read")
    workspace = call.workspace
    if call.string("team") not in (None, workspace.team_id):
        raise Refusal("team_not_found")
    team = {"id": workspace.team_id, "name": workspace.name, "domain": workspace.domain}
    return {"team": team}


def react(call: Call) -> JsonObject:
    """reactions.add."""
    call.need("reactions:write")
    msg, name = _item(call), _reaction(call)
    if not call.platform.conversations.react(msg, name, user_id=call.app.bot_user_id):
        raise Refusal("already_reacted")
    return {}


def unreact(call: Call) -> JsonObject:
    """reactions.remove."""
    call.need("reactions:write")
    msg, name = _item(call), _reaction(call)
    if not call.platform.conversations.unreact(msg, name, user_id=call.app.bot_user_id):
        raise Refusal("no_reaction")
    return {}


def get_reactions(call: Call) -> JsonObject:
    """reactions.get, of a message."""
    call.need("reactions:read")
    msg = _item(call)
    body = call.workspace.message_payload(msg)
    body["permalink"] = call.workspace.permalink(msg)
    return {"type": "message", "channel": msg.channel_id, "message": body}


def _item(call: Call) -> Message:
    channel = call.channel()
    if call.string("timestamp") is None:
        raise Refusal("no_item_specified")
    if channel.is_archived and call.method != "reactions.get":
        raise Refusal("is_archived")
    if not call.is_member(channel) and channel.kind != "public":
        raise Refusal("not_in_channel")
    return call.message(channel, "timestamp")


def _reaction(call: Call) -> str:
    name = call.required("name", error="invalid_name").strip(":")
    if not name.replace("_", "").replace("-", "").replace("+", "").isalnum():
        raise Refusal("invalid_name")
    return name
