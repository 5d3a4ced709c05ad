"""A model's card as a text that people read: what it learned from and when, how well it does, slice by slice, on what, and its hashes."""

from collections.abc import Mapping
from typing import Any

from ranker.featureset import FeatureSet

NAME = "CARD.md"


def card_text(name: str, version: str, card: Mapping[str, Any], features: FeatureSet, sums: str) -> str:
    """Markdown; ``sums`` are the lines of SHA256SUMS. What the card does not say is left out, not made up."""
    parts = [f"# {name} {version}".rstrip(), _facts(card), _heldout(card.get("heldout") or {}), _settings(card), _features(features)]
    return "\n\n".join(part for part in [*parts, f"## Hashes\n\n{_indented(sums)}"] if part) + "\n"


def _facts(card: Mapping[str, Any]) -> str:
    window = card.get("window")
    facts = {
        "Family": card.get("family"),
        "Learned from": card.get("source"),
        "Data window": " to ".join(window) if window else None,
        "Index generation": card.get("generation"),
        "Sessions": card.get("sessions"),
        "Queries": card.get("queries"),
        "Rows": card.get("rows"),
        "Relevance of clicks": card.get("relevance"),
        "Because": card.get("why"),
        "Click rates": _click_rates(card.get("click_rates") or {}),
        "Blend with retrieval": f"{card['blend']['weight']:g} of the model" if card.get("blend") else None,
    }
    return "\n".join(f"- {label}: {value}" for label, value in facts.items() if value is not None)


def _click_rates(told: Mapping[str, Any]) -> str | None:
    if not told.get("used"):
        return f"none: {told['why']}" if "why" in told else None
    return f"of {told['pairs']:,} documents under a query and {told['documents']:,} documents, from {told['sessions']:,} sessions"


def _heldout(report: Mapping[str, Any]) -> str:
    if not report:
        return "## On queries it had not seen\n\nNot measured: too few queries to hold any out."
    low, high = report.get("interval") or (None, None)
    lines = ["## On queries it had not seen", "", "| queries | number | nDCG@10 | retrieval | gain |", "|---|---|---|---|---|"]
    lines += [_row(label, values) for label, values in {"all": report, **(report.get("slices") or {})}.items()]
    return "\n".join(lines) + (f"\n\nThe gain lies in {low:+.4f} to {high:+.4f} with 95 % confidence." if low is not None else "")


def _row(label: str, values: Mapping[str, Any]) -> str:
    shown = [values.get(key) for key in ("nDCG@10", "retrieval", "gain")]
    return f"| {label} | {values.get('queries', '')} | " + " | ".join("" if value is None else f"{value:.4f}" for value in shown) + " |"


def _settings(card: Mapping[str, Any]) -> str:
    settings = card.get("settings") or {}
    return "## Settings\n\n" + "\n".join(f"- {key}: {value}" for key, value in sorted(settings.items())) if settings else ""


def _features(features: FeatureSet) -> str:
    fields = ", ".join(f"{field.get('name')} (weight {field.get('weight')})" for field in features.text_fields) or "from outside"
    names = ", ".join(f"`{name}`" for name in features.names)
    return f"## Features\n\n{len(features.names)} of text fields {fields}; fingerprint {features.fingerprint}.\n\n{names}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().split("\n"))
