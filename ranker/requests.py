"""What a search asked for besides its text, as the click log keeps it: enough to do the search again."""

import msgspec


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """The arguments of a search that decide its ranking; what has its default is not written."""

    mode: str = "or"
    filter: str = ""
    minimum: int | None = None
    limit: int = 10
    depth: int = 100
    instead: str = ""  # the corrected text whose results were shown, where those of the text itself were not
    sorted: bool = False  # by columns: relevance had no say
    locale: str = ""
    partial: bool = False  # cut short by a time limit: it comes out otherwise when there is more time

    def encoded(self) -> str:
        """As JSON."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decoded(cls, text: str) -> "Request":
        """Read back; raises ValueError for anything else."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise ValueError(f"expected a request as this program writes it, found {text[:60]!r} ({error})") from None
