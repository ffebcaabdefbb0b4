"""Secrets that a demo's data folder keeps from run to run."""

from pathlib import Path


def kept_secret(path: Path, fresh: str) -> Path:
    """Return the file of a secret, readable by its owner alone; write ``fresh`` where there is none yet."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(fresh)
    return path
