"""A task for a worker of the mall's own Celery application: it writes a line, so that a test sees what was done."""

from pathlib import Path

from celery import shared_task


@shared_task(name="tests.mark")
def mark(file: str, word: str) -> None:
    """Append a word to a file."""
    with Path(file).open("a") as marks:
        marks.write(f"{word}\n")
