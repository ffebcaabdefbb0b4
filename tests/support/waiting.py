"""Wait for a condition that another process or thread brings about."""

import time


def wait_for(condition, what: str, seconds: float = 60):
    """Return the first true answer of ``condition``; fail the test where none comes in time."""
    until = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < until, f"Waited {seconds:.0f} s in vain for {what}."
        time.sleep(0.1)
    return answer
