"""Modals and Home tabs: each person's, as the app opens and publishes them.

Sources: docs.slack.dev, surfaces/modals, methods views.*. The bot opens one modal at a time, so
that there is no stack of them here.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Sequence
from typing import Any

from failbot.sandbox import inputs, limits, payloads
from failbot.sandbox.core import Core
from failbot.sandbox.refusal import JsonObject, Refusal
from failbot.sandbox.state import View, ViewKind


def with_ids(blocks: Sequence[JsonObject]) -> list[JsonObject]:
    """The blocks with the block_ids and action_ids that Slack adds where there are none."""
    named = copy.deepcopy(list(blocks))
    for block in named:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for _, element in inputs.elements_of([block]):
            element.setdefault("action_id", secrets.token_urlsafe(4))
    return named


class Modals:
    """The open modal and the Home tab of each person; any thread may call."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.opened: dict[str, View] = {}
        self.homes: dict[str, View] = {}

    def payload(self, view: View) -> JsonObject:
        """The view as the API and interactions describe it."""
        workspace = self._core.workspace
        return payloads.view(view, app=self._core.app, team_id=workspace.team_id)

    def current(self, user_id: str) -> View | None:
        """The modal that is open, if one is."""
        return self.opened.get(user_id)

    def open(self, user_id: str, body: JsonObject) -> View:
        """Show a modal; what was open before is gone. The caller has checked the body."""
        with self._core.changing():
            self.opened[user_id] = self._new(user_id, "modal", body)
            return self.opened[user_id]

    def update(self, view_id: str, body: JsonObject, view_hash: str | None) -> View:
        """Change an open modal; what was typed stays in inputs of the same block and action.

        The caller has checked the body. :raises Refusal: it is closed, or not as the hash says.
        """
        with self._core.changing():
            before = next((one for one in self.opened.values() if one.id == view_id), None)
            if before is None:
                raise Refusal("not_found")
            if view_hash is not None and view_hash != before.hash:
                raise Refusal("hash_conflict")
            view = self._new(before.user_id, "modal", body)
            view.id = before.id
            for block_id, inputs_of in view.state.items():
                typed = before.state.get(block_id, {})
                inputs_of.update({name: typed[name] for name in inputs_of if name in typed})
            self.opened[before.user_id] = view
            return view

    def publish(self, user_id: str, body: JsonObject) -> View:
        """Show a Home tab to a person; its id stays. The caller has checked the body."""
        with self._core.changing():
            view, before = self._new(user_id, "home", body), self.homes.get(user_id)
            view.id = before.id if before else view.id
            self.homes[user_id] = view
            return view

    def close(self, user_id: str) -> None:
        """Close the modal of a person."""
        with self._core.changing():
            self.opened.pop(user_id, None)

    def _new(self, user_id: str, kind: ViewKind, body: JsonObject) -> View:
        view_hash = f"{int(self._core.clock.time())}.{secrets.token_hex(4)}"
        shown = {**body, "blocks": with_ids(body["blocks"])}
        view = View(self._core.workspace.new_id("V"), kind, user_id, view_hash, shown)
        view.state = inputs.initial_state(view.blocks)
        return view


def check_view(body: Any, *, kind: ViewKind) -> None:
    """Return quietly if Slack would take the view where this kind is due.

    :raises Refusal: invalid_arguments, with Slack's messages.
    """
    problems = limits.view_problems(body)
    if not problems and body["type"] != kind:
        problems = [f"must be of type {kind} [json-pointer:/view/type]"]
    if problems:
        raise Refusal("invalid_arguments", problems)
