"""How long a user waits before anything happens: ``import iceball`` and ``iceball --version`` in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import time

REPEATS = 5
STARTS = {
    "python -c pass (for comparison)": [sys.executable, "-c", "pass"],
    "import iceball": [sys.executable, "-c", "import iceball"],
    "iceball --version": [
        sys.executable,
        "-c",
        "import sys; sys.argv[1:] = ['--version']; from iceball.cli import main; main()",
    ],
}


def best_seconds(command: list[str]) -> float:
    """Shortest wall time of ``command`` over the repeats [s]."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print one line of JSON for each start."""
    for what, command in STARTS.items():
        print(json.dumps({"what": what, "seconds": round(best_seconds(command), 3), "repeats": REPEATS}))


if __name__ == "__main__":
    main()
