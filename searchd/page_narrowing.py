"""What can be narrowed down and sorted by, as the result page shows it: facets, bounds, orders, and the filters that are on."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from indexer.schema import Schema
from searchd.columns import Columns
from searchd.interface import Interface
from searchd.page import field_label, plain
from searchd.page_filters import MAX_RANGE_FIELDS, bounds_of, range_fields, sort_fields
from searchd.page_query import FROM, TO, PageQuery, Range

MAX_CHOICES = 8
MAX_FURTHER = 40
_INPUT = {"integer": "number", "float": "number", "date": "date"}
_STEP = {"integer": "1", "float": "any", "date": "1"}


class Choice(NamedTuple):
    """One value of a facet, one order, one page or one filter that is on: where a click on it leads, and whether it is what is shown."""

    label: str
    href: str
    number: int = 0
    chosen: bool = False


class Facet(NamedTuple):
    """A field to narrow down by: its chosen and its commonest values, and ``further`` ones."""

    field: str
    label: str
    choices: list[Choice]
    further: list[Choice]


class RangeForm(NamedTuple):
    """A field that can be given bounds: what is set, ``kind`` and ``step`` of the inputs, and the ``extent`` of the whole collection."""

    field: str
    label: str
    low: str
    high: str
    kind: str
    step: str
    extent: str


class Narrowing(NamedTuple):
    """Everything that stands beside the results."""

    facets: list[Facet]
    ranges: list[RangeForm]
    sorts: list[Choice]
    chips: list[Choice]

    @property
    def sort(self) -> str:
        """The order that is on."""
        return next((one.label for one in self.sorts if one.chosen), "")

    @property
    def bound_names(self) -> list[str]:
        """The parameters that the form of bounds sends itself, and the page, which it begins anew."""
        return ["page", *(prefix + one.field for one in self.ranges for prefix in (FROM, TO))]

    @property
    def offers(self) -> bool:
        """Whether there is anything to narrow down by."""
        return bool(self.facets or self.ranges)


def narrowing(schema: Schema, columns: Columns, counts: dict[str, Any], query: PageQuery, t: Interface) -> Narrowing:
    """What the page offers for a query; ``counts`` of values by field."""
    facets = [shown_facet(name, values, query, t) for name, values in counts.items()]
    return Narrowing(
        [facet for facet in facets if facet.choices],
        [_range_form(name, kind, columns, query) for name, kind in list(range_fields(schema).items())[:MAX_RANGE_FIELDS]],
        shown_sorts(schema, query, t),
        chips(query, t),
    )


def shown_facet(name: str, values: Any, query: PageQuery, t: Interface) -> Facet:
    """The chosen values of a field, each as a link that takes it away, then its commonest others, each as a link that adds it."""
    counts = dict(_pairs(values))
    chosen = [value for field, value in query.chosen if field == name]
    others = sorted(counts.keys() - set(chosen), key=lambda value: (-counts[value], value))
    first = max(MAX_CHOICES, len(chosen))
    link = query.filter_links(name)
    shown = [Choice(shown_value(value, t), query.without_filter(name, value).href(), counts.get(value, 0), True) for value in chosen]
    shown += [Choice(shown_value(value, t), link(value), counts[value]) for value in others[: first + MAX_FURTHER - len(chosen)]]
    return Facet(name, field_label(name), shown[:first], shown[first:])


def _pairs(values: Any) -> Iterable[tuple[str, int]]:
    """(value, count) of a facet, whether it is a mapping or a sequence of pairs."""
    pairs: Sequence[Any] = list(values.items()) if isinstance(values, dict) else [tuple(pair)[:2] for pair in values]
    return [(str(value), int(count)) for value, count in pairs]


def shown_value(value: str, t: Interface) -> str:
    """A value of a column for people."""
    return t(value) if value in ("true", "false") else plain(value, 40) or t("empty")


def _range_form(name: str, kind: str, columns: Columns, query: PageQuery) -> RangeForm:
    _, low, high = query.range_of(name)
    if kind == "date":  # inputs of dates show whole days only
        low, high = (text + end if len(text) == 4 else text for text, end in ((low, "-01-01"), (high, "-12-31")))
    extent = bounds_of(name, columns)
    shown = "" if extent is None else extent.low if extent.low == extent.high else f"{extent.low} – {extent.high}"
    return RangeForm(name, field_label(name), low, high, _INPUT[kind], _STEP[kind], shown)


def shown_sorts(schema: Schema, query: PageQuery, t: Interface) -> list[Choice]:
    """Relevance, and each column both ways, as links."""
    found = [("", t("relevance"))]
    for name, kind in sort_fields(schema).items():
        words = {"keyword": ("sort_first", "sort_last"), "date": ("sort_oldest", "sort_newest")}.get(kind, ("sort_low", "sort_high"))
        found += [(f"{name}:{way}", t(word, field=field_label(name))) for way, word in zip(("asc", "desc"), words)]
    return [
        Choice(label, query._replace(sort=sort, page=1).href(), chosen=sort in (query.sort, f"{query.sort}:asc")) for sort, label in found
    ]


def chips(query: PageQuery, t: Interface) -> list[Choice]:
    """The filters that are on, each as a link that takes it away."""
    values = [
        Choice(f"{field_label(name)}: {shown_value(value, t)}", query.without_filter(name, value).href()) for name, value in query.chosen
    ]
    return values + [Choice(_range_label(one, t), query.without_range(one.field).href()) for one in query.ranges]


def _range_label(one: Range, t: Interface) -> str:
    name, low, high = field_label(one.field), plain(one.low, 40), plain(one.high, 40)
    if low and high:
        return f"{name}: {low}" if low == high else f"{name}: {low} – {high}"
    return t("from_value", field=name, value=low) if low else t("to_value", field=name, value=high)
