"""How long a user waits before anything happens: `import otoscope` and `otoscope --help`, each in a fresh process.

    python benchmarks/startup.py [--repeats 9] [--json FILE]

A bare interpreter is timed in turn with them, so that what is ours can be told from what is Python's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import numpy": [sys.executable, "-c", "import numpy"],
    "import otoscope": [sys.executable, "-c", "import otoscope"],
    "otoscope --help": [sys.executable, "-m", "otoscope", "--help"],
}
LIMITS_S = {"import otoscope": 0.5, "otoscope --help": 0.7}


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def measure(repeats: int) -> list[dict[str, object]]:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats + 1):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    return [
        {
            "command": name,
            "median_s": round(statistics.median(values[1:]), 3),
            "max_s": round(max(values[1:]), 3),
            "limit_s": LIMITS_S.get(name, ""),
        }
        for name, values in times.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    table = measure(arguments.repeats)
    print(f"{'command':<18} {'median s':>9} {'max s':>7} {'limit s':>8}")
    for row in table:
        print(f"{row['command']:<18} {row['median_s']:>9} {row['max_s']:>7} {row['limit_s']:>8}")
    if arguments.json:
        result = {"name": "startup", "command": "python benchmarks/startup.py", "table": table}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
