"""Modals and Home tabs: each person's stack of views, and how the app may change it.

Sources: docs.slack.dev, surfaces/modals (three views at most, hashes), methods views.*.
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

STACK_MAX = 3


def with_ids(blocks: Sequence[JsonObject]) -> list[JsonObject]:
    """The blocks with the block_ids and action_ids that Slack adds where there are none."""
    named = copy.deepcopy(list(blocks))
    for block in named:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for _, element in inputs.elements_of([block]):
            if element.get("type") != "image":
                element.setdefault("action_id", secrets.token_urlsafe(4))
    return named


class Modals:
    """Open modals and Home tabs by person; any thread may call."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def payload(self, view: View) -> JsonObject:
        """The view as the API and interactions describe it."""
        workspace = self._core.workspace
        return payloads.view(view, app=self._core.app, team_id=workspace.team_id)

    def current(self, user_id: str) -> View | None:
        """The modal on top, if one is open."""
        stack = self.stacks.get(user_id)
        return stack[-1] if stack else None

    def open(self, user_id: str, body: Any) -> View:
        """Show a modal; what was open before is gone. The caller has checked the body."""
        with self._core.changing():
            self.stacks[user_id] = []
            return self._push(user_id, body)

    def push(self, user_id: str, body: Any) -> View:
        """Show a modal on top of the open one.

        :raises Refusal: view_not_found without one, push_limit_reached with three.
        """
        with self._core.changing():
            stack = self.stacks.get(user_id) or []
            if not stack:
                raise Refusal("view_not_found")
            if len(stack) >= STACK_MAX:
                raise Refusal("push_limit_reached")
            return self._push(user_id, body)

    def update(self, view: View, body: JsonObject, *, view_hash: str | None = None) -> View:
        """Change an open view in place; what the person typed stays where ids stay.

        :raises Refusal: hash_conflict when the view has changed since `view_hash`.
        """
        with self._core.changing():
            if view_hash and view_hash != view.hash:
                raise Refusal("hash_conflict")
            view.body = self._checked(body, other_than=view)
            view.state = inputs.kept_state(view.blocks, view.state)
            view.hash = self._new_hash()
            view.errors = {}
            return view

    def publish(self, user_id: str, body: JsonObject, *, view_hash: str | None = None) -> View:
        """Show a Home tab to a person.

        :raises Refusal: hash_conflict when the tab has changed since `view_hash`.
        """
        with self._core.changing():
            shown = self.homes.get(user_id)
            if shown is not None:
                return self.update(shown, body, view_hash=view_hash)
            if view_hash:
                raise Refusal("hash_conflict")
            view = self._new(user_id, "home", self._checked(body))
            self.homes[user_id] = view
            return view

    def find(self, *, view_id: str | None = None, external_id: str | None = None) -> View:
        """An open modal or a Home tab by id or external id.

        :raises Refusal: not_found when it is not (or no longer) shown.
        """
        for view in self.all_views():
            if view_id and view.id == view_id:
                return view
            if external_id and view.body.get("external_id") == external_id:
                return view
        raise Refusal("not_found")

    def all_views(self) -> list[View]:
        """Every open modal and every Home tab."""
        return [*(v for s in self.stacks.values() for v in s), *self.homes.values()]

    def close(self, view: View) -> None:
        """Take a modal off its stack; those beneath show again."""
        with self._core.changing():
            stack = self.stacks.get(view.user_id, [])
            if view in stack:
                stack.remove(view)

    def clear(self, user_id: str) -> list[View]:
        """Close all modals of a person; gives those that were open."""
        with self._core.changing():
            return self.stacks.pop(user_id, [])

    def _push(self, user_id: str, body: Any) -> View:
        stack = self.stacks.setdefault(user_id, [])
        view = self._new(user_id, "modal", self._checked(body))
        if stack:
            view.root_view_id, view.previous_view_id = stack[0].id, stack[-1].id
        stack.append(view)
        return view

    def _checked(self, body: Any, *, other_than: View | None = None) -> JsonObject:
        check_view(body)
        external_id = body.get("external_id")
        for view in self.all_views():
            taken = external_id and view.body.get("external_id") == external_id
            if taken and view is not other_than:
                raise Refusal("duplicate_external_id")
        return {**body, "blocks": with_ids(body.get("blocks") or [])}

    def _new(self, user_id: str, kind: ViewKind, body: JsonObject) -> View:
        view_id = self._core.workspace.new_id("V")
        view = View(view_id, kind, user_id, self._new_hash(), body, root_view_id=view_id)
        view.state = inputs.initial_state(view.blocks)
        return view

    def _new_hash(self) -> str:
        return f"{int(self._core.clock.time())}.{secrets.token_hex(4)}"


def check_view(body: Any, *, kind: ViewKind | None = None) -> None:
    """Return quietly if Slack would take the view.

    :raises Refusal: invalid_arguments, with Slack's messages.
    """
    problems = limits.view_problems(body)
    if not problems and kind is not None and body["type"] != kind:
        problems = [f"must be of type {kind} [json-pointer:/view/type]"]
    if problems:
        raise Refusal("invalid_arguments", problems)
