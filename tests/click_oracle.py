"""Click models by brute force: every hidden story of a session is told, weighed and added up. Slow, and too plain to be wrong."""

from itertools import product

import numpy as np


def browsing_session(rows, ranks, clicked, attraction, look):
    """UBM (or PBM): (P(clicks), expected looks by position). Each position is looked at or not, and if looked at, attracts or not."""
    total, looks, last = 1.0, [], -1
    for row, rank, click in zip(rows, ranks, clicked):
        p = look[rank, rank - last if last >= 0 else 0]
        stories = {(looked, attracts): (p if looked else 1 - p) * (attraction[row] if attracts else 1 - attraction[row])
                   for looked, attracts in product((0, 1), repeat=2)}  # fmt: skip
        told = {story: weight for story, weight in stories.items() if (story == (1, 1)) == bool(click)}
        total *= sum(told.values())
        looks.append(sum(weight for (looked, _), weight in told.items() if looked) / sum(told.values()))
        if click:
            last = rank
    return total, np.array(looks)


def reading_stories(length):
    """(clicks, satisfied, where the reader left: after so many positions looked at)."""
    for clicks in product((0, 1), repeat=length):
        for satisfied in product((0, 1), repeat=length):
            yield from ((clicks, satisfied, looked) for looked in range(1, length + 1))


def reading_weight(story, rows, attraction, satisfaction, after_click, after_skip, ranks):
    """P(story): down from the top, each position looked at is clicked or not, then satisfies or not, then one goes on or leaves."""
    clicks, satisfied, looked = story
    weight = 1.0
    for i, (row, rank) in enumerate(zip(rows, ranks)):
        if i >= looked:
            if clicks[i] or satisfied[i]:
                return 0.0
            continue
        weight *= attraction[row] if clicks[i] else 1 - attraction[row]
        if clicks[i]:
            weight *= satisfaction[row] if satisfied[i] else 1 - satisfaction[row]
        elif satisfied[i]:
            return 0.0
        if i == len(rows) - 1:
            continue  # the list ends: nothing to decide
        on = 0.0 if satisfied[i] else after_click[rank] if clicks[i] else after_skip[rank]
        weight *= on if looked > i + 1 else 1 - on
    return weight


def reading_session(rows, ranks, clicked, attraction, satisfaction, after_click, after_skip):
    """A chain: (P(clicks), expected looks, expected satisfactions, goings on, chances to go on)."""
    length, total = len(rows), 0.0
    looks, happy, steps = np.zeros(length), np.zeros(length), np.zeros(2)
    for story in reading_stories(length):
        weight = reading_weight(story, rows, attraction, satisfaction, after_click, after_skip, ranks)
        clicks, satisfied, looked = story
        if weight == 0.0 or clicks != tuple(int(c) for c in clicked):
            continue
        total += weight
        looks[:looked] += weight
        happy += weight * np.array(satisfied)
        able = [i for i in range(min(looked, length - 1)) if not satisfied[i]]
        steps += weight * np.array([looked - 1, len(able)])
    return total, looks / total, happy / total, steps / total


def chance_of_clicks(session_chance, length):
    """P(all clicks of a session), over every pattern of ``length`` clicks, by a function of the pattern; dict from pattern to chance."""
    return {pattern: session_chance(pattern) for pattern in product((False, True), repeat=length)}
