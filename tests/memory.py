"""Memory of a program and all processes that it starts: PSS, in which a page that n processes share counts as an n-th for each."""

import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from processes import _family  # noqa: E402 - found by the path above

MB = 1 << 20


def pss(pid, kinds=("Pss",)):
    """Bytes of a process and its descendants; ``kinds`` "Pss_Anon" leaves out what is mapped from files, which the system may take back."""
    total = 0
    for one in _family(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.partition(":")[0] in kinds)
    return total


class Peak(threading.Thread):
    """The most that ``pss`` found, asked as often as that can be done, until it is stopped."""

    def __init__(self, pid, kinds=("Pss",), every=0.02):
        super().__init__(daemon=True)
        self.pid, self.kinds, self.every, self.most, self.looks = pid, kinds, every, 0, 0
        self._stop_now = threading.Event()
        self.start()

    def run(self):
        while not self._stop_now.wait(self.every):
            self.most, self.looks = max(self.most, pss(self.pid, self.kinds)), self.looks + 1

    def stopped(self):
        self._stop_now.set()
        self.join()
        return self.most


def peak_of(command, kinds=("Pss",), **options):
    """The peak of a command until it ends well, in bytes."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    peak = Peak(process.pid, kinds)
    said = process.communicate()[0]
    assert process.returncode == 0, said[-2000:]
    return peak.stopped()
