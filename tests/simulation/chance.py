"""What goes wrong, and when: drawn from the seed, each fault by its name.

A run has some of the faults and not others (swarm testing, Groce et al., ISSTA 2012): with all of
them at once most of what could happen is cut short.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.machine import Owner

SHARE = 0.3  # of the faults are there in a run
FAULTLESS = 0.1  # of the runs have none

# How often each strikes where it could.
RATES = {
    # the bot's processes
    "killed before a commit": 0.03,
    "killed after a commit": 0.03,
    "killed before Slack hears": 0.02,
    "killed after Slack heard": 0.02,
    "stopped while asking": 0.03,  # and resumed
    "database locked": 0.01,
    # Slack's answers
    "look-up refused": 0.15,
    "refused": 0.04,
    "rate limited": 0.03,
    "server error": 0.03,
    "unanswered, undone": 0.03,
    "unanswered, done": 0.04,
    "reset, undone": 0.03,
    "reset, done": 0.04,
    "slow": 0.15,
    # Slack's deliveries
    "delivery lost": 0.05,
    "delivery doubled": 0.1,
    "delivery doubled under a new id": 0.1,
    "delivery late": 0.1,
    # what happens now and then
    "disk full": 0.3,
    "clock jumps": 0.3,
    "machine sleeps": 0.3,
    "killed": 0.5,
    "stopped": 0.5,
}


class Chance:
    """The faults of one run."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.is_over = False  # from then on nothing goes wrong
        self.struck: Counter[str] = Counter()
        self.tell: Callable[[str], None] = lambda words: None
        self.on_killed: Callable[[Owner], None] = lambda owner: None
        is_faultless = draw.random() < FAULTLESS
        self.there = {one for one in RATES if draw.random() < SHARE and not is_faultless}

    def strikes(self, name: str) -> bool:
        """Whether this fault happens here and now."""
        if self.is_over or name not in self.there or self.draw.random() >= RATES[name]:
            return False
        self.struck[name] += 1
        self.tell(f"fault: {name}")
        return True
