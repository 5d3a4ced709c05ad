"""What a command line offers and presumes, where importing what it stands for would cost every `--help` a second."""

BACKENDS = ("loky", "ray")
MEMORY = 1 << 30  # bytes, for all processes of a build together
