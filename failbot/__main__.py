"""`python -m failbot` is the same as the command `failbot`."""

from __future__ import annotations

from failbot.cli import main

if __name__ == "__main__":
    main()
