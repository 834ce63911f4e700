"""What lies in a file, a disk or the memory is told apart from a fault of the program."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from icface.media.photo import PhotoError
from icface.system.failures import end_of_process, is_foreseen, lacks_memory, trace_of_fault

HUGE = 1 << 46


def test_errors_of_input_and_of_the_disk_are_no_faults() -> None:
    assert is_foreseen(PhotoError("portrait.png is damaged."))
    assert trace_of_fault(PhotoError("portrait.png is damaged.")) == ""
    assert trace_of_fault(FileNotFoundError("portrait.png")) == ""


def test_a_lack_of_memory_is_known_whichever_library_meets_it() -> None:
    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(HUGE, dtype=torch.uint8)
    with pytest.raises(MemoryError) as of_numpy:
        np.empty(HUGE, np.uint8)
    with pytest.raises(cv2.error) as of_opencv:
        cv2.resize(np.zeros((1, 1), np.uint8), (1 << 30, 1 << 16))
    for caught in (of_torch, of_numpy, of_opencv):
        assert lacks_memory(caught.value), caught.value
        assert trace_of_fault(caught.value) == ""


def test_a_fault_of_the_program_comes_with_the_place_where_it_came_up() -> None:
    with pytest.raises(ValueError, match="could not be broadcast") as caught:
        np.zeros(2) + np.zeros(3)
    assert not is_foreseen(caught.value)
    assert not lacks_memory(caught.value)
    assert "np.zeros(2) + np.zeros(3)" in trace_of_fault(caught.value)


def test_a_process_that_died_is_said_to_lack_memory_only_if_it_was_killed() -> None:
    for code, words in (
        (-11, "crashed (SIGSEGV)"),
        (-6, "crashed (SIGABRT)"),
        (3, "ended before it was done (code 3)"),
    ):
        assert end_of_process([None, 0, -15, code]).startswith(words)
        assert "memory" not in end_of_process([code])
    assert end_of_process([-15, -9]).startswith("was killed, as systems do when memory runs out")
    assert "memory" not in end_of_process([])
