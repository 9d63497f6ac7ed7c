"""Multiplies every constant by 10 and by a tenth, and says which of them no test notices.

mutmut changes functions only, and what is kept for a day or eight stands above them. It writes
into the working tree: run it in a clean clone, `python -m tests.constants [a part of a path]`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

CONSTANT = re.compile(
    r"^(_?[A-Z][A-Z_0-9]*) = (np\.float32\(|timedelta\(\w+=)?(\d[\d_]*(?:\.\d+)?)", re.MULTILINE
)
PLACES = ("failbot/search", "failbot/memory", "failbot/slack/places.py", "failbot/slack/jobs")
TESTS = {
    "search": ["tests/unit", "tests/contract/test_search.py"],
    "memory": ["tests/unit"],
    "slack": ["tests/slack/test_jobs.py", "tests/slack/test_places.py"],
}
SLOW = ["test_encoder_export", "test_encoder_weights", "test_reranker", "test_readme"]
LEFT_OUT = [f"--ignore=tests/unit/{name}.py" for name in SLOW]
LEFT_OUT.append("--deselect=tests/unit/test_secrets.py::test_hostile_repetition_takes_linear_time")


def mutations(source: str) -> Iterator[tuple[str, str, str, str]]:
    """Name, old value, new value and the changed source of each."""
    for found in CONSTANT.finditer(source):
        old = found[3].replace("_", "")
        is_whole = "." not in old and "float" not in (found[2] or "")
        for factor in (10.0, 0.1):
            new = str(max(1, int(int(old) * factor))) if is_whole else str(float(old) * factor)
            if new != old:
                changed = source[: found.start(3)] + new + source[found.end(3) :]
                yield found[1], found[3], new, changed


def passes(part: str) -> bool:
    # Without .pyc: a source of the same size, written in the same second, is taken for the old.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *TESTS[part], *LEFT_OUT], capture_output=True, env=environment, check=False
    )
    return done.returncode == 0


def main(wanted: str = "") -> None:
    paths = [path for place in PLACES for path in [Path(place), *Path(place).rglob("*.py")]]
    chosen = sorted(path for path in paths if path.suffix == ".py" and wanted in str(path))
    for part in sorted({path.parts[1] for path in chosen}):
        assert passes(part), f"the tests of {part} fail as they are"
    for path in chosen:
        source = path.read_text()
        for name, old, new, changed in mutations(source):
            path.write_text(changed)
            try:
                is_noticed = not passes(path.parts[1])
            finally:
                path.write_text(source)
            print("noticed" if is_noticed else "SURVIVED", path, name, old, new, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
