"""Secrets that a demo's data folder keeps from run to run."""

from pathlib import Path


def kept_secret(path: Path, fresh: str) -> Path:
    """A file with a secret that only its owner reads; ``fresh`` is written where there is none yet."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(fresh)
    return path
