"""The application of a web node, as a server loads it."""

import subprocess
import sys

LOADED = 100_000  # objects, at least: the modules, models and routes of the mall


def test_collections_of_garbage_pass_over_what_was_loaded():
    program = "import gc, mall.asgi; print(gc.get_freeze_count(), len(gc.get_objects()))"
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    frozen, looked_through = map(int, said.split())
    assert frozen > LOADED > looked_through
