"""Several rankers that err in different ways, added up and taught to one model.

From clicks: a model that maximises the likelihood of the clicks (cross-entropy on clicks per look, weighed by looks), and lambdarank on grades that
are shrunk towards such a model. From judgments: L2, cross-entropy, lambdarank and XE-NDCG. Each member's scores are brought to mean 0 and
deviation 1, and a regression learns their sum, so that what is served is one forest like any other.
"""

from typing import Any

import numpy as np

from ranker.forest import build_forest
from ranker.lightgbm_text import parse_model
from ranker.rankers import NOTHING_MORE, Listwise, More, Pairwise, Pointwise, Ranker, UnknownFamily

OF_CLICKS: tuple[tuple[type[Ranker], str], ...] = ((Pointwise, "cross-entropy"), (Pairwise, "lambdarank"))
OF_GRADES: tuple[tuple[type[Ranker], str], ...] = (
    (Pointwise, "l2"), (Pointwise, "cross-entropy"), (Pairwise, "lambdarank"), (Listwise, "xendcg"),
)  # fmt: skip
DISTILLED: dict[str, Any] = {
    "num_leaves": 31, "learning_rate": 0.08, "feature_fraction": 0.7, "lambda_l2": 1.0, "min_data_in_leaf": 20, "rounds": 240,
}  # fmt: skip


class Ensemble(Ranker):
    """The sum of several objectives' models, distilled into one regression; ``parameters`` go to the members and to what distils them."""

    family = "ensemble"

    def fit(
        self, x: np.ndarray, grades: np.ndarray, group: np.ndarray, weights: np.ndarray | None = None,
        soft: bool = False, names: tuple[str, ...] | None = None, more: More = NOTHING_MORE,
    ) -> "Ensemble":  # fmt: skip
        """As `Ranker.fit`; from clicks, ``more.rates`` are what the likelihood is of (the grades, where there are none)."""
        if self.objective is not None:
            raise UnknownFamily(f"expected no objective for ensemble, which combines several, found {self.objective!r}")
        self.names_ = names or tuple(f"Column_{i}" for i in range(x.shape[1]))
        members = OF_CLICKS if soft else OF_GRADES
        total = np.zeros(len(x))
        for kind, objective in members:
            rates = more.rates if soft and objective == "cross-entropy" else None
            member = kind(objective, **self._same(), **self.parameters)
            member.fit(x, grades if rates is None else rates, group, weights, soft, self.names_, more)
            total += _standard(member.predict(x))
        student = Pointwise("l2", **self._same(), seen=self.seen, **{**DISTILLED, **self.parameters})
        self.text_ = student.fit(x, total, group, names=self.names_).text_
        self.forest_ = build_forest(parse_model(self.text_))
        self.settings_ = {**student.settings_, "members": [objective for _, objective in members]}
        return self

    def _same(self) -> dict[str, Any]:
        return {
            "random_state": self.random_state, "jobs": self.jobs, "increasing": self.increasing, "decreasing": self.decreasing,
            "checkpoints": self.checkpoints,
        }  # fmt: skip


def _standard(scores: np.ndarray) -> np.ndarray:
    return (scores - scores.mean()) / max(float(scores.std()), 1e-9)
