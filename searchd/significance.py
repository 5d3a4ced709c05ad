"""Per-query values of two rankings to how sure their difference is: three paired tests, corrected for how many are made.

Student's t is the usual test and robust with many queries; the randomisation test (Smucker et al., CIKM 2007) supposes nothing about the values;
Wilcoxon's asks for the typical query rather than the mean one. Holm's correction (1979) holds the chance of any false finding in a table at alpha.
"""

import math
import warnings
from collections.abc import Sequence

import numpy as np
from scipy import stats

RESAMPLES = 9999


def paired_p(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p of the paired t-test; 1 when the values are the same for every query."""
    differences = second - first
    if len(differences) < 2 or not differences.any():
        return 1.0
    spread = differences.std(ddof=1)
    if spread == 0:
        return 0.0
    return float(2 * stats.t.sf(abs(differences.mean()) / (spread / math.sqrt(len(differences))), len(differences) - 1))


def randomisation_p(first: np.ndarray, second: np.ndarray, seed: int = 0) -> float:
    """Two-sided p of the paired randomisation test: the models' names are swapped on each query by a coin, exactly for few queries."""
    differences = second - first
    if len(differences) < 2 or not differences.any():
        return 1.0
    found = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", vectorized=True, n_resamples=RESAMPLES, batch=500, rng=np.random.default_rng(seed)
    )  # fmt: skip
    return float(found.pvalue)


def wilcoxon_p(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test; queries without a difference share their ranks (Pratt)."""
    differences = second - first
    if len(differences) < 2 or not differences.any():
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ties and few queries: it says that the normal distribution is near only
        return float(stats.wilcoxon(differences, zero_method="pratt").pvalue)


def holm(p: Sequence[float]) -> list[float]:
    """The p that each test has when all are looked at: in rising order, times the number of tests that are left, and never falling."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    corrected, highest = [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        corrected[i] = highest
    return corrected
