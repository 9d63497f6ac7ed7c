"""The command `failbot`, and `python -m failbot`: what must come before anything is imported."""

from __future__ import annotations

import sys
from typing import NoReturn

INTERRUPTED = 1


def main() -> NoReturn:
    """Runs the command line; never returns."""
    from failbot.stopping import leave, serves, stop_on_signals

    code: object = 0
    try:
        if serves(sys.argv[1:]):
            stop_on_signals()  # before the seconds that imports may take
        from failbot.cli import main as run

        run()
    except SystemExit as ended:
        code = ended.code
    except KeyboardInterrupt:  # before click would take it
        code = INTERRUPTED
    leave(code if isinstance(code, int) else INTERRUPTED if code else 0)


if __name__ == "__main__":
    main()
