"""All parts of one sandbox, put together."""

from __future__ import annotations

from failbot.sandbox.clock import Clock
from failbot.sandbox.conversations import Conversations
from failbot.sandbox.core import Core
from failbot.sandbox.delivery import Deliveries
from failbot.sandbox.events import Events
from failbot.sandbox.faults import Faults, Hanging
from failbot.sandbox.http_out import HttpMode
from failbot.sandbox.interactions import Interactions
from failbot.sandbox.modals import Modals
from failbot.sandbox.ratelimits import RateLimits
from failbot.sandbox.responses import Responses
from failbot.sandbox.sockets import SocketMode
from failbot.sandbox.state import AppSettings
from failbot.sandbox.tickets import Tickets
from failbot.sandbox.workspace import Workspace


class Platform:
    """The parts, by name; each documents who may call it."""

    def __init__(self, *, workspace: Workspace, app: AppSettings, clock: Clock) -> None:
        self.app = app
        self.clock = clock
        self.workspace = workspace
        self.core = Core(workspace=workspace, app=app, clock=clock)
        self.faults = Faults()
        self.hanging = Hanging()
        self.deliveries = Deliveries(self.core, self.faults)
        self.sockets = SocketMode(self.core, self.deliveries)
        self.http = HttpMode(self.core, self.deliveries)
        self.rate_limits = RateLimits(clock)
        self.events = Events(self.core, self.deliveries, self.rate_limits)
        self.conversations = Conversations(self.core, self.events)
        self.modals = Modals(self.core)
        self.tickets = Tickets(self.core)
        self.responses = Responses(self.core, self.conversations)
        self.interactions = Interactions(
            self.core, self.deliveries, tickets=self.tickets, modals=self.modals
        )
        # An error that every authenticated call gets: token_revoked, account_inactive, …
        self.token_error: str | None = None
        self.choose_transport()

    def choose_transport(self) -> None:
        """Deliver to the request URL if there is one, else over Socket Mode."""
        self.deliveries.transport = self.http if self.app.request_url else self.sockets
