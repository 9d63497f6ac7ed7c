"""`python -m tests.simulation`: a hunt over many seeds, or one seed again with its trace.

--seed N           that run, each thing that happened on a line
--runs N --start N so many runs from a seed on: what broke, and how often
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.simulation.known import KNOWN, never_found
from tests.simulation.world import Outcome, run

SEEDS_SHOWN = 5


def main() -> int:
    """The exit code: 1 where something broke that is not known."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--start", type=int, default=0)
    asked = parser.parse_args()
    if asked.seed is not None:
        return _replay(asked.seed)
    return _hunt(range(asked.start, asked.start + asked.runs))


def _replay(seed: int) -> int:
    outcome = run(seed)
    print("\n".join(outcome.trace))
    for one in outcome.broken:
        print(f"seed {seed}: {one.kind}: {one.words}")
    return int(bool(outcome.kinds - KNOWN.keys()))


def _hunt(seeds: range) -> int:
    begun_s = time.monotonic()
    found: dict[str, list[int]] = defaultdict(list)
    faults: Counter[str] = Counter()
    for outcome in map(run, seeds):
        faults += outcome.faults
        for kind in outcome.kinds:
            found[kind].append(outcome.seed)
            if kind not in KNOWN and len(found[kind]) == 1:
                print(f"seed {outcome.seed}: {_first(outcome, kind)}", flush=True)
    took_s = time.monotonic() - begun_s
    print("\n".join(_report(seeds, found, faults, took_s)))
    return int(bool(found.keys() - KNOWN.keys()))


def _first(outcome: Outcome, kind: str) -> str:
    words = next(one.words for one in outcome.broken if one.kind == kind)
    return f"{kind}: {words}"


def _report(
    seeds: range, found: dict[str, list[int]], faults: Counter[str], took_s: float
) -> Iterator[str]:
    yield f"{len(seeds)} runs from seed {seeds.start} on in {took_s:.0f} s"
    yield f"{faults.total()} faults of {len(faults)} kinds"
    for kind, where in sorted(found.items(), key=lambda item: -len(item[1])):
        known = "known" if kind in KNOWN else "NEW"
        after = where[0] - seeds.start + 1
        shown = ", ".join(map(str, where[:SEEDS_SHOWN]))
        yield f"{known:5} {len(where):5} runs, first after {after:4}: {kind} (seeds {shown})"
    for kind in never_found(found):
        yield f"never found: {kind}; it may be mended"


if __name__ == "__main__":
    sys.exit(main())
