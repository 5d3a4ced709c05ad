"""The largest of many values without sorting them."""

from indexer.jit import kernel


@kernel
def select(values, n, k):
    """Move the ``k`` largest of values[:n] to the front, at least one, and return the least of them (Hoare's quickselect, median of three)."""
    low, high = 0, n - 1
    while low < high:
        a, b, c = values[low], values[(low + high) >> 1], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            break
    least = values[0]
    for i in range(1, k):
        least = min(least, values[i])
    return least
