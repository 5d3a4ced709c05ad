"""The E-steps of click models and the chances they give, session by session: arrays in, sums and chances out.

All share one idea of what is learned: a row's attractiveness is its clicks over its *looks*, the expected number of impressions that were looked
at, given what was clicked. So an E-step adds up looks. Sessions come as in ``ranker.sessions.Sessions``: positions ``offsets[s]:offsets[s + 1]``,
``rows``, ``ranks`` (from 0, rising within a session) and ``clicked``. The caller allocates, and checks sizes.
"""

import numpy as np

from indexer.jit import inlined, kernel

TINY = 1e-9


@inlined
def distance(rank, last):
    """Ranks since the click above, from 1; 0 without one."""
    return rank - last if last >= 0 else 0


@inlined
def looked_though_not_clicked(look, attraction):
    """P(looked at | not clicked), by Bayes."""
    return look * (1 - attraction) / max(1 - look * attraction, TINY)


@kernel
def browsing_looks(offsets, rows, ranks, clicked, attraction, look, row_looks, cell_looks, cell_shown):
    """E-step of PBM and UBM: adds the looks of each row and of each cell (rank, distance to the click above), and the cell's impressions.

    ``look`` float64[K, K + 1] is P(look) of a cell; the position-based model has the same in all of a rank.
    """
    for s in range(len(offsets) - 1):
        last = -1
        for i in range(offsets[s], offsets[s + 1]):
            rank, row = ranks[i], rows[i]
            d = distance(rank, last)
            if clicked[i]:
                looks = 1.0
                last = rank
            else:
                looks = looked_though_not_clicked(look[rank, d], attraction[row])
            row_looks[row] += looks
            cell_looks[rank, d] += looks
            cell_shown[rank, d] += 1


@kernel
def browsing_chances(offsets, rows, ranks, clicked, attraction, look, chances):
    """P(click | clicks above) of each position under UBM (eq. 2 of Dupret and Piwowarski, SIGIR 2008)."""
    for s in range(len(offsets) - 1):
        last = -1
        for i in range(offsets[s], offsets[s + 1]):
            chances[i] = attraction[rows[i]] * look[ranks[i], distance(ranks[i], last)]
            if clicked[i]:
                last = ranks[i]


@kernel
def browsing_marginals(offsets, rows, ranks, attraction, look, chances, last_at):
    """P(click) of each position under UBM, whatever was clicked above: sums over where the last click may have been.

    ``last_at`` float64[L + 1] is scratch for the longest session: P(last click so far at position j - 1), 0 for none.
    """
    for s in range(len(offsets) - 1):
        first = offsets[s]
        last_at[0] = 1.0
        for i in range(first, offsets[s + 1]):
            total = 0.0
            for j in range(i - first + 1):
                last = ranks[first + j - 1] if j else -1
                chance = last_at[j] * attraction[rows[i]] * look[ranks[i], distance(ranks[i], last)]
                total += chance
                last_at[j] -= chance
            last_at[i - first + 1] = total
            chances[i] = total


@inlined
def last_click(clicked, first, end):
    """Position of the last click of a session, ``first - 1`` without one."""
    for i in range(end - 1, first - 1, -1):
        if clicked[i]:
            return i
    return first - 1


@inlined
def silences(start, end, rows, attraction, stay, silent):
    """``silent[i]``: P(no click from position i on | i is looked at), for a reader who goes on with chance ``stay`` after each."""
    silent[end - start] = 1.0
    for i in range(end - 1, start - 1, -1):
        on = 1.0 if i == end - 1 else 1 - stay + stay * silent[i + 1 - start]
        silent[i - start] = (1 - attraction[rows[i]]) * on


@kernel
def reading_looks(offsets, rows, clicked, attraction, satisfaction, stay, row_looks, row_satisfied, steps, silent):
    """E-step of DBN (Chapelle and Zhang, WWW 2009, sec. 5): adds looks and satisfied clicks of rows, and ``steps``: goings on, and chances to.

    Everything down to the last click was looked at and went on; behind it the reader may have left at any place, which ``silent``
    float64[L + 1] (scratch) weighs.
    """
    for s in range(len(offsets) - 1):
        first, end = offsets[s], offsets[s + 1]
        last = last_click(clicked, first, end)
        for i in range(first, last + 1):
            row_looks[rows[i]] += 1.0
        steps[0] += max(last - first, 0)
        steps[1] += max(last - first, 0)
        silences(last + 1, end, rows, attraction, stay, silent)
        looked = 1.0  # P(next position is looked at | clicks)
        if last >= first:
            looked = _after_last_click(rows[last], last + 1 < end, satisfaction, stay, silent[0], row_satisfied, steps)
        for i in range(last + 1, end):
            row_looks[rows[i]] += looked
            if i + 1 < end:
                on = stay * silent[i + 1 - last - 1]
                steps[1] += looked
                looked *= on / max(1 - stay + on, TINY)
                steps[0] += looked


@inlined
def _after_last_click(row, more, satisfaction, stay, silent, row_satisfied, steps):
    """P(the position below the last click was looked at | nothing more was clicked)."""
    unhappy = 1 - satisfaction[row]
    if not more:
        row_satisfied[row] += satisfaction[row]
        return 0.0
    on = unhappy * stay * silent
    off = unhappy * (1 - stay)
    every = max(satisfaction[row] + on + off, TINY)
    row_satisfied[row] += satisfaction[row] / every
    steps[0] += on / every
    steps[1] += (on + off) / every
    return on / every


@kernel
def reading_counts(offsets, rows, clicked, to_first, row_looks, row_ends):
    """Counts of the simplified chains: looks down to the last click (or ``to_first``), or to the end without one; clicks that end."""
    for s in range(len(offsets) - 1):
        first, end = offsets[s], offsets[s + 1]
        stop = last_click(clicked, first, end)
        if to_first and stop >= first:
            stop = first
            while not clicked[stop]:
                stop += 1
        if stop >= first:
            row_ends[rows[stop]] += 1.0
        for i in range(first, stop + 1 if stop >= first else end):
            row_looks[rows[i]] += 1.0


@kernel
def reading_chances(offsets, rows, ranks, clicked, given, attraction, satisfaction, after_click, after_skip, chances):
    """P(click) of each position for readers from the top: ``given`` the clicks above, or whatever was clicked.

    After a click that did not satisfy, the reader goes on with chance ``after_click[rank]``, after none with ``after_skip[rank]``.
    """
    for s in range(len(offsets) - 1):
        looked = 1.0
        for i in range(offsets[s], offsets[s + 1]):
            row, rank = rows[i], ranks[i]
            chance = looked * attraction[row]
            chances[i] = chance
            on_click = (1 - satisfaction[row]) * after_click[rank]
            if not given:
                looked = chance * on_click + (looked - chance) * after_skip[rank]
            elif clicked[i]:
                looked = on_click
            else:
                looked = (looked - chance) / max(1 - chance, TINY) * after_skip[rank]


@kernel
def trusting_looks(offsets, rows, ranks, clicked, attraction, if_attractive, if_not, row_attractive, cells):
    """E-step of the trust-bias model: adds P(attractive | click or none) of each row.

    ``cells`` float64[K, 4] takes the same by rank: attractive, attractive and clicked, not attractive, not attractive and clicked.
    """
    for i in range(offsets[0], offsets[-1]):
        rank, row = ranks[i], rows[i]
        a = attraction[row]
        yes, no = if_attractive[rank], if_not[rank]
        if not clicked[i]:
            yes, no = 1 - yes, 1 - no
        chance = a * yes / max(a * yes + (1 - a) * no, TINY)
        row_attractive[row] += chance
        cells[rank, 0] += chance
        cells[rank, 2] += 1 - chance
        if clicked[i]:
            cells[rank, 1] += chance
            cells[rank, 3] += 1 - chance


@kernel
def added_by_session(offsets, values, sums):
    """Sum of each session's values, float64[S]."""
    for s in range(len(offsets) - 1):
        total = 0.0
        for i in range(offsets[s], offsets[s + 1]):
            total += values[i]
        sums[s] = total


def longest(offsets: np.ndarray) -> int:
    """Positions of the longest session, for scratch."""
    return int(np.diff(offsets).max(initial=0))
