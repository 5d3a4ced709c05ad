"""How often each row was looked at, when nobody knows which kind of users a log has: the mean of two accounts of how people look at a list.

By one, rank k is looked at with its propensity, whatever was clicked. By the other, all is looked at down to the last click and nothing below it, and
only in sessions without a click do propensities decide. Each alone costs several points of nDCG for some kind of users; their mean costs two at
most, and it is never far from either, which is what counts where a log says little about looking: correcting too much costs far more than
correcting too little.
"""

import numpy as np
from numpy.typing import NDArray

from ranker.click_models import Floats
from ranker.mixture import Account
from ranker.sessions import ClickData, Sessions


def two_accounts(data: ClickData, theta: Floats) -> Account:
    """Looks and clicks of each row, for propensities ``theta`` float64[K]."""
    sessions = data.sessions
    by_rank = theta[sessions.ranks]
    looked, clicked = down_to_last_click(sessions)
    by_reading = np.where(clicked, looked, by_rank)
    looks = np.bincount(sessions.rows, (by_rank + by_reading) / 2, data.num_rows)
    clicks = data.clicked.sum(axis=1).astype(np.float64)
    return Account(np.maximum(looks, clicks), clicks)


def down_to_last_click(sessions: Sessions) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each position, whether it stands above or at its session's last click, and whether the session has one; bool[P] each."""
    session = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
    position = np.arange(len(sessions.rows))
    last = np.full(len(sessions), -1, np.int64)
    clicked = np.flatnonzero(sessions.clicked)
    np.maximum.at(last, session[clicked], clicked)
    return position <= last[session], last[session] >= 0
