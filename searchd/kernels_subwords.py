"""How much of a word's fragments other words hold: sums over the lists of ``searchd/subwords.py``."""

from indexer.jit import kernel


@kernel
def add_gains(owners, starts, stops, gains, sums, touched):
    """For every list ``owners[starts[i]:stops[i]]`` add ``gains[i]``, more than 0, to the sums of its members, which are 0 before.

    Returns how many sums changed; their places are in ``touched``, which has room for all members.
    """
    count = 0
    for i in range(len(starts)):
        for p in range(starts[i], stops[i]):
            owner = owners[p]
            if sums[owner] == 0:
                touched[count] = owner
                count += 1
            sums[owner] += gains[i]
    return count
