"""How much memory several processes need at the most: pages of files that they share are counted once.

Each process's peak resident memory is kept by the kernel (`VmHWM`). Their plain sum counts the code of torch, say,
in every process although it lies in memory once; so the file pages that processes have in common are taken off.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PeakMemory:
    """Peak resident memory of some processes in MB (10⁶ bytes).

    Parameters
    ----------
    sum_mb
        Sum over the processes: what they would need if they shared nothing.
    shared_mb
        File pages counted in that sum more than once.
    """

    sum_mb: float
    shared_mb: float

    @property
    def needed_mb(self) -> float:
        """What they need together."""
        return self.sum_mb - self.shared_mb


def peak_memory(process_ids: Sequence[int]) -> PeakMemory:
    """Return the peak memory of running processes; where there is no `/proc`, of this one alone, nothing shared."""
    try:
        total = sum(_peak_bytes(process_id) for process_id in process_ids)
        maps = [_file_bytes(process_id) for process_id in process_ids]
    except FileNotFoundError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return PeakMemory(most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6, 0.0)
    names = {name for each in maps for name in each}
    resident = [[each.get(name, 0) for each in maps] for name in names]
    return PeakMemory(total / 1e6, sum(sum(row) - max(row) for row in resident) / 1e6)


def _peak_bytes(process_id: int) -> int:
    with open(f"/proc/{process_id}/status", encoding="utf-8", errors="replace") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def _file_bytes(process_id: int) -> dict[tuple[str, str], int]:
    """Return the resident file pages of each mapping, by file and place in it; changed (private) pages are left out."""
    found: dict[tuple[str, str], int] = {}
    key, resident = ("", ""), 0
    with open(f"/proc/{process_id}/smaps", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            cells = line.split()
            if not cells[0].endswith(":"):  # a heading: addresses, permissions, offset, device, inode, path
                key = (cells[5], cells[2]) if len(cells) > 5 and cells[4] != "0" else ("", "")
            elif cells[0] == "Rss:":
                resident = int(cells[1]) * 1024
            elif cells[0] == "Anonymous:" and key[0]:
                found[key] = found.get(key, 0) + resident - int(cells[1]) * 1024
    return found
