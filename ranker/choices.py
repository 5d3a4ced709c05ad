"""Names that a command line chooses from, where importing what they stand for would cost every `--help` a second."""

FAMILIES = ("pointwise", "pairwise", "listwise", "ensemble")
OBJECTIVES = ("l2", "cross-entropy", "lambdarank", "xendcg", "listnet", "listmle", "sum", "distilled")
METHODS = ("default", "mixture", "pbm", "trust", "ubm", "dbn", "sdbn", "naive", "position")
HORIZON = 2_000  # sessions after which an experiment is decided at the latest
CLICK_RATES = True  # models from clicks have click rates among their features; docs/features.md has the figures
