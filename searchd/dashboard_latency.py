"""The service's own histograms to what the dashboard says of time: quantiles of searches, of their stages, and of each route, of all workers."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from prometheus_client.core import Metric

from searchd.stages import STAGES

QUANTILES = (0.5, 0.95, 0.99)
Buckets = Sequence[tuple[float, float]]


class Timing(msgspec.Struct, frozen=True):
    """Seconds that something took: how often, in the mean, and at the quantiles; None for one beyond the last bucket."""

    name: str
    count: int
    mean: float
    p50: float | None
    p95: float | None
    p99: float | None


class Latency(msgspec.Struct, frozen=True):
    """Since the server started. ``search`` is None while there was no search; ``buckets``: (upper bound in seconds, None
    for the last, searches within)."""

    search: Timing | None
    stages: list[Timing]
    routes: list[Timing]
    buckets: list[tuple[float | None, int]]


def latency(families: Iterable[Metric]) -> Latency:
    """Read from what ``/metrics`` collects."""
    found = {family.name: family for family in families}
    searches = _histograms(found.get("searchd_search_seconds"), "")
    stages = _histograms(found.get("searchd_stage_seconds"), "stage")
    routes = _histograms(found.get("searchd_request_seconds"), "route")
    order = {stage: number for number, stage in enumerate((*STAGES, "serialise"))}
    timed = [one for name, parts in routes.items() if (one := _timing(name, *parts))]
    return Latency(
        _timing("search", *searches.get("", ([], 0.0))),
        [one for name in sorted(stages, key=lambda name: order.get(name, 99)) if (one := _timing(name, *stages[name]))],
        sorted(timed, key=lambda one: (-one.count, one.name)),
        _counts(searches[""][0]) if "" in searches else [],
    )


def quantile(buckets: Buckets, share: float) -> float:
    """The value below which ``share`` of the observations lie, evenly spread within a bucket, as Prometheus' histogram_quantile has it.

    ``buckets``: (upper bound, observations up to it), bounds rising, the last infinite. NaN without observations.
    """
    total = buckets[-1][1] if buckets else 0.0
    if not total:
        return math.nan
    lower, before = 0.0, 0.0
    for upper, number in buckets:
        if number >= share * total:
            return upper if math.isinf(upper) else lower + (upper - lower) * (share * total - before) / max(number - before, 1e-12)
        lower, before = upper, number
    return math.inf


def _timing(name: str, buckets: Buckets, seconds: float) -> Timing | None:
    count = int(buckets[-1][1]) if buckets else 0
    if not count:
        return None
    found = (quantile(buckets, share) for share in QUANTILES)
    return Timing(name, count, seconds / count, *(value if math.isfinite(value) else None for value in found))


def _counts(buckets: Buckets) -> list[tuple[float | None, int]]:
    """Observations within each bucket, instead of up to it."""
    before = [0.0, *(number for _, number in buckets)]
    return [(upper if math.isfinite(upper) else None, int(number - earlier)) for (upper, number), earlier in zip(buckets, before)]


def _histograms(family: Metric | None, label: str) -> dict[str, tuple[list[tuple[float, float]], float]]:
    """Cumulative buckets and the sum, by the value of ``label`` ("" without one)."""
    buckets: dict[str, list[tuple[float, float]]] = defaultdict(list)
    sums: dict[str, float] = {}
    for sample in family.samples if family is not None else ():
        name = sample.labels.get(label, "")
        if sample.name.endswith("_bucket"):
            buckets[name].append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_sum"):
            sums[name] = sample.value
    return {name: (sorted(rows), sums.get(name, 0.0)) for name, rows in buckets.items()}
