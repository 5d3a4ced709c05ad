"""What the vectors of the click log are called: ``BASE`` or, with the columns of a model's table of click rates behind the others, ``BASE+N.TABLE``.

Vectors of one base agree in all columns but those N, so what models of different tables have logged can be read as one.
"""


def with_table(base: str, columns: int, digest: str) -> str:
    """The fingerprint of a base with so many columns of the table of this hash."""
    return f"{base}+{columns}.{digest[:16]}"


def base_of(fingerprint: str) -> tuple[str, int]:
    """The base, and the number of columns behind it that are a table's."""
    base, _, table = fingerprint.partition("+")
    columns = table.partition(".")[0]
    return base, int(columns) if columns.isascii() and columns.isdigit() else 0


def columns_before(width: int, fingerprint: str) -> int:
    """How many of a vector's columns are the base's."""
    return width - base_of(fingerprint)[1]
