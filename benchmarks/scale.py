"""The cost of a scenario stays flat from 100 to 5,000, and the harness stays small."""

from __future__ import annotations

import resource
import sys

import measuring

_SMALL, _LARGE = 100, 5000
_ROUNDS = 9
_LIMIT = 1.2
_MEGABYTES = 300


def main() -> int:
    """Prints the ratio of the costs per scenario, and the harness's largest size."""
    small = [measuring.played(measuring.healthy(_SMALL)) / _SMALL for _ in range(_ROUNDS)]
    large = measuring.played(measuring.healthy(_LARGE)) / _LARGE
    print(f"{measuring.median(small) * 1e3:.2f} ms each of {_SMALL}, {large * 1e3:.2f} of {_LARGE}")
    flat = measuring.told("cost per scenario", large / measuring.median(small), _LIMIT)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lean = measuring.told(f"MB of the harness at {_LARGE}", megabytes, _MEGABYTES)
    return 0 if flat and lean else 1


if __name__ == "__main__":
    sys.exit(main())
