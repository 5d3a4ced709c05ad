"""What people do without correcting for position: gradient boosting on click rates, by LightGBM and by XGBoost, with parameters like ours."""

from typing import Any

import lightgbm
import numpy as np

LEVELS = 30
ROUNDS = 120
LIGHTGBM = {
    "objective": "lambdarank", "num_leaves": 15, "learning_rate": 0.08, "min_data_in_leaf": 30, "feature_fraction": 0.7, "lambda_l2": 1.0,
    "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbose": -1,
}  # fmt: skip
XGBOOST = {
    "objective": "rank:ndcg", "lambdarank_pair_method": "topk", "lambdarank_num_pair_per_sample": 10, "ndcg_exp_gain": False, "eta": 0.08,
    "max_leaves": 15, "max_depth": 0, "grow_policy": "lossguide", "tree_method": "hist", "colsample_bytree": 0.7, "nthread": 1,
}  # fmt: skip


def gradient_boosting(x: np.ndarray, grades: np.ndarray, group: np.ndarray, seed: int, **more: Any) -> lightgbm.Booster:
    """LambdaMART as it comes, on grades."""
    return lightgbm.train({**LIGHTGBM, "seed": seed, **more}, lightgbm.Dataset(x, grades, group=group), ROUNDS)


def levels(rates: np.ndarray) -> np.ndarray:
    """Rates as 31 levels with linear gains."""
    return np.clip(np.round(LEVELS * rates / np.quantile(rates, 0.995)), 0, LEVELS).astype(int)


def naive_lightgbm(x: np.ndarray, rates: np.ndarray, group: np.ndarray) -> lightgbm.Booster:
    """lambdarank on click rates."""
    return gradient_boosting(x, levels(rates), group, 0, label_gain=list(range(LEVELS + 1)))


def naive_xgboost(x: np.ndarray, rates: np.ndarray, group: np.ndarray, test: np.ndarray) -> np.ndarray | None:
    """Scores of ``test`` by rank:ndcg on click rates; None without XGBoost."""
    try:
        import xgboost
    except ImportError:
        return None
    data = xgboost.DMatrix(x, levels(rates))
    data.set_group(group)
    return xgboost.train({**XGBOOST, "seed": 0}, data, ROUNDS).predict(xgboost.DMatrix(test))
