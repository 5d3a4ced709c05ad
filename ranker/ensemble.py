"""Several rankers that err in different ways, added up to one forest.

From clicks: a model that maximises the likelihood of the clicks (cross-entropy on clicks per look, weighed by looks), and on grades that are
shrunk towards such a model cross-entropy, lambdarank, XE-NDCG and ListMLE. From judgments: L2, cross-entropy, lambdarank, XE-NDCG and ListMLE. Each
member's scores are brought to deviation 1 and summed. A sum of forests is a forest, so nothing has to be learned to serve it: the
leaves of each member are divided by its deviation. Or, where few trees are wanted, one regression learns the sum ("distilled").
"""

from typing import Any, NamedTuple

import numpy as np

from ranker.boosting import joined
from ranker.forest import build_forest
from ranker.lightgbm_text import parse_model
from ranker.rankers import NOTHING_MORE, Listwise, More, Pairwise, Pointwise, Ranker, UnknownFamily

SUM, DISTILLED = "sum", "distilled"
STUDENT: dict[str, Any] = {
    "num_leaves": 31, "learning_rate": 0.08, "feature_fraction": 0.7, "lambda_l2": 1.0, "min_data_in_leaf": 20, "rounds": 240,
}  # fmt: skip


class Member(NamedTuple):
    """One ranker of the sum; from clicks it may learn the rates, clicks per look, instead of shrunk grades."""

    kind: type[Ranker]
    objective: str
    of_rates: bool = False


_LISTS = (Member(Pairwise, "lambdarank"), Member(Listwise, "xendcg"), Member(Listwise, "listmle"))
OF_CLICKS = (Member(Pointwise, "cross-entropy", of_rates=True), Member(Pointwise, "cross-entropy"), *_LISTS)
OF_GRADES = (Member(Pointwise, "l2"), Member(Pointwise, "cross-entropy"), *_LISTS)


class Ensemble(Ranker):
    """The sum of several objectives' models; ``parameters`` go to every member, and ``seen`` is told after each."""

    family = "ensemble"

    def fit(
        self, x: np.ndarray, grades: np.ndarray, group: np.ndarray, weights: np.ndarray | None = None,
        soft: bool = False, names: tuple[str, ...] | None = None, more: More = NOTHING_MORE,
    ) -> "Ensemble":  # fmt: skip
        """As `Ranker.fit`; from clicks, ``more.rates`` are what the likelihood is of (the grades, where there are none)."""
        if self.objective not in (None, SUM, DISTILLED):
            raise UnknownFamily(f"expected an objective of {SUM}, {DISTILLED} for ensemble, found {self.objective!r}")
        self.names_ = names or tuple(f"Column_{i}" for i in range(x.shape[1]))
        members, texts, rounds = OF_CLICKS if soft else OF_GRADES, [], 0
        total = np.zeros(len(x))
        for member in members:
            labels, by_row = grades, weights
            if soft and member.of_rates and more.rates is not None:
                labels, by_row = more.rates, more.looks
            ranker = member.kind(member.objective, **self._same(), **self.parameters)
            ranker.fit(x, labels, group, by_row, soft, self.names_, more)
            texts.append(joined([ranker.text_], _scale(ranker.predict(x))))
            forest, rounds = build_forest(parse_model(texts[-1])), rounds + ranker.settings_["rounds"]
            total += forest.score(x)
            if self.seen is not None and self.objective != DISTILLED:
                self.seen(rounds, forest)
        self.text_ = self._distilled(x, total, group) if self.objective == DISTILLED else joined(texts)
        self.forest_ = build_forest(parse_model(self.text_))
        told = {"objective": self.objective or SUM, "members": [member.objective for member in members]}
        self.settings_ = {**ranker.settings_, "rounds": rounds, **told}
        return self

    def _distilled(self, x: np.ndarray, total: np.ndarray, group: np.ndarray) -> str:
        """One regression of the sum."""
        student = Pointwise("l2", **self._same(), seen=self.seen, **{**STUDENT, **self.parameters})
        return student.fit(x, total - total.mean(), group, names=self.names_).text_

    def _same(self) -> dict[str, Any]:
        return {
            "random_state": self.random_state, "jobs": self.jobs, "increasing": self.increasing, "decreasing": self.decreasing,
            "checkpoints": self.checkpoints,
        }  # fmt: skip


def _scale(scores: np.ndarray) -> float:
    """What brings scores to deviation 1; a model that tells nothing apart has no say."""
    deviation = float(scores.std())
    return 1 / deviation if deviation > 1e-9 else 0.0
