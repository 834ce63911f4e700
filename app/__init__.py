"""The editor's window, over the engine room in `icface`."""

import time

STARTED = time.perf_counter()
"""When the program began to load, on the clock of `time.perf_counter`: after Python itself, before
Qt."""
