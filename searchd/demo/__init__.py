"""The demonstration behind ``make demo``: real text, judged queries, simulated users, a trained ranker, a search page."""
