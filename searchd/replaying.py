"""One generation, opened to do searches of the click log again as they were done."""

from indexer.home import Home
from indexer.index import Index
from ranker.requests import Request
from searchd.filters import filter_mask
from searchd.plan import make_plan
from searchd.query import parse_query
from searchd.ranking import Ranking
from searchd.results import ranked_page, ranking_of
from searchd.snapshot import Snapshot
from searchd.synonyms import read_rules


class Replayer:
    """A published generation that is still there, under the synonyms and settings of now; raises NoSuchGeneration."""

    def __init__(self, home: Home, generation: str) -> None:
        self.snapshot = Snapshot(Index.open(home, generation), rules=read_rules(home.lexicon))

    def ranking(self, text: str, request: Request, offset: int, model: str | None) -> Ranking:
        """The page, with features, that a search of this text shows; raises what the search would, and for a model that is gone."""
        snapshot = self.snapshot
        mask = filter_mask(request.filter, snapshot.columns, snapshot.index.max_doc) if request.filter.strip() else None
        query = parse_query(text, snapshot.query_fields, request.locale)
        plan = make_plan(query, snapshot, request.mode, mask, mask is not None, request.minimum)
        page = ranked_page(plan, snapshot, snapshot.choose_model(model), request.limit, offset, request.depth, features=True)
        return ranking_of(page, snapshot)
