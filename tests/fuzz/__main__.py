"""``python -m tests.fuzz``: make a seed's corpus, read it in worker processes, report faults."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.running import run


def main() -> int:
    """Run, print, and return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000, help="How many files of the seed.")
    parser.add_argument("--first", type=int, default=0, help="The number of the first of them.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--words", action="store_true", help="Print every refusal as well.")
    chosen = parser.parse_args()
    results = run(
        chosen.seed, range(chosen.first, chosen.first + chosen.count), workers=chosen.workers
    )
    for result in results:
        if result.outcome == "wrong" or (chosen.words and result.text):
            again = f"--seed {chosen.seed} --first {result.number} --count 1"
            print(f"{result.outcome}: {again} ({result.kind}: {result.story})")  # noqa: T201
            print(f"    {result.text}")  # noqa: T201
    counts = {
        outcome: sum(result.outcome == outcome for result in results)
        for outcome in ("refused", "opened", "wrong")
    }
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))  # noqa: T201
    return int(counts["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
