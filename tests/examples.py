"""How many examples Hypothesis tries: all of them in ``make test-all``, two in five in ``make test``."""

from hypothesis import settings

WHOLE = 100  # what Hypothesis itself tries where nothing is said
settings.register_profile(
    "whole", deadline=None, max_examples=WHOLE
)  # the first call of a kernel compiles it; a deadline would measure that
settings.register_profile("quick", deadline=None, max_examples=WHOLE * 2 // 5)


def examples(whole: int) -> int:
    """How many of a test's ``whole`` number of examples are tried now."""
    return whole * settings().max_examples // WHOLE
