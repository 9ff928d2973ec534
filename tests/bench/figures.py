"""Print the figures that the README and the issues name. Not a test: nothing here can fail.

.venv/bin/python tests/bench/figures.py             recorded mode, without installation
.venv/bin/python tests/bench/figures.py --live      deletes the lab's clusters first
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]


def timed(*arguments: str) -> float:
    """Seconds that a `./lab` command takes; what it prints goes to this terminal."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-m", "labsupport", *arguments], cwd=ROOT, check=True)
    return time.monotonic() - start


def recorded() -> None:
    """Time `./lab run --recorded`, best and worst of five."""
    with tempfile.TemporaryDirectory() as out:
        times = sorted(timed("run", "--recorded", "--out", out) for _ in range(5))
    print(
        f"run --recorded: {times[0]:.1f} s best, {times[2]:.1f} s median, {times[-1]:.1f} s worst"
    )


def live() -> None:
    """Time `./lab run --live` from built images to the matrix, and its cases a cluster."""
    timed("down")
    with tempfile.TemporaryDirectory() as out:
        total = timed("run", "--live", "--out", out)
        reports = [json.loads(path.read_text()) for path in sorted(Path(out).glob("report-*.json"))]
    print(f"run --live, from built images to the matrix: {total:.0f} s")
    for report in reports:
        cases = report["cases"]
        began = min(datetime.fromisoformat(case["startedAt"]) for case in cases)
        ended = datetime.fromisoformat(report["run"]["finishedAt"])
        times = sorted(case["convergeMs"] for case in cases if case["convergeMs"] is not None)
        median = (
            f"in force after {times[len(times) // 2]} ms (median)" if times else "never in force"
        )
        profile = report["implementation"]["profile"]
        print(f"  {profile}: {len(cases)} cases in {(ended - began).seconds} s, {median}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--live", action="store_true")
    live() if options.parse_args().live else recorded()
