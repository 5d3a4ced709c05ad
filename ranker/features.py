"""The features: one function, one column, from what `matches` gathered. Missing is NaN; the displayed position is never among them.

The order of the columns is that of the imports here, and in each module that of its functions. To add a feature, write a function in one of
them; every model names the features it was trained with, so older models keep working only while their columns exist.
"""

import ranker.context_features
import ranker.text_features  # noqa: F401 - registers its features
from ranker.feature_registry import FEATURES, VERSION, Feature, collecting, column_feature, feature

__all__ = ["FEATURES", "VERSION", "Feature", "collecting", "column_feature", "feature"]
