"""Effects, the functions that perform them, and the counter of round trips."""
