"""Ways in which a model file goes wrong."""


def mutate(text, rng):
    """One of the ways in which a file goes wrong."""
    at = rng.randrange(len(text))
    kind = rng.randrange(5)
    if kind == 0:
        return text[:at]
    if kind == 1:
        return text[:at] + rng.choice("0123456789-=. \nex") + text[at + 1 :]
    if kind == 2:
        return text[:at] + text[at + rng.randrange(1, 40) :]
    if kind == 3:
        lines = text.split("\n")
        lines.insert(rng.randrange(len(lines)), rng.choice(lines))
        return "\n".join(lines)
    words = text.split(" ")
    words[rng.randrange(len(words))] = rng.choice(["-1", "999999999", "nan", "inf", "1e999", "", "x", "-999999999999999999999"])
    return " ".join(words)
