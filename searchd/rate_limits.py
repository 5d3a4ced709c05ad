"""How many requests a client may send: a bucket of tokens each, filled at a steady rate, emptied by requests.

A client is the key that it brings, else its address; of IPv6 the first 64 bits, since one house has all of the rest. Buckets are a worker's own, so
each gets its share of the rate; there are at most ``MOST`` of them, and the one that was not used for longest makes room. See Turner, "New directions
in communications" (1986), for the leaky bucket that this is the meter of.
"""

import ipaddress
import threading
import time
from collections import OrderedDict
from typing import NamedTuple

MOST = 20_000


class Bucket(NamedTuple):
    """Tokens that were there at a time."""

    tokens: float
    at: float


class RateLimits:
    """``rate`` requests a second and client, 0 for any number; ``burst`` at once. Thread-safe."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, max(1, burst)
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, client: str, now: float | None = None) -> float:
        """0.0 if the client may go on, which takes a token; else the seconds until it may."""
        if not self.rate:
            return 0.0
        now = time.monotonic() if now is None else now
        with self._lock:
            tokens, at = self._buckets.pop(client, Bucket(self.burst, now))
            tokens = min(float(self.burst), tokens + self.rate * (now - at))
            allowed = tokens >= 1.0
            self._buckets[client] = Bucket(tokens - 1.0 if allowed else tokens, now)
            if len(self._buckets) > MOST:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self.rate


def client_of(address: str) -> str:
    """The name of the client behind an address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
