"""failbot: a team's memory of what did not work."""

__version__ = "0.1.0"
