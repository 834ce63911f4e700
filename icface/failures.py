"""What kind of failure an exception is: of input, told in its own words; a lack of memory; or a fault of the program."""

from __future__ import annotations

import traceback

_SAY_MEMORY = ("can't allocate memory", "not enough memory", "insufficient memory", "out of memory")
"""What torch and OpenCV write in errors of theirs that are no `MemoryError`."""


def is_foreseen(error: BaseException) -> bool:
    """Whether it is one of this program's own errors of input, whose message was written for people."""
    return isinstance(error, ValueError) and type(error).__module__.startswith("icface.")


def lacks_memory(error: BaseException) -> bool:
    """Whether there was not enough memory, of the machine or of the device."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return not isinstance(error, ValueError) and any(words in text for words in _SAY_MEMORY)


def trace_of_fault(error: BaseException) -> str:
    """Where a fault of the program came up, for whoever mends it; "" for what lies in a file, a disk or the memory."""
    if is_foreseen(error) or lacks_memory(error) or isinstance(error, OSError):
        return ""
    return "".join(traceback.format_exception(error))
