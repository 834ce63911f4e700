"""Cores: as many as the process may use, and never none."""

from __future__ import annotations

import os

import pytest

from icface.system.cores import cores, pool_size


def test_cores_are_those_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 3}, raising=False)
    assert cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores() == 1


def test_a_pool_is_no_larger_than_the_system_can_wait_for() -> None:
    assert [pool_size(wanted, platform="win32") for wanted in (2, 61, 256)] == [2, 61, 61]
    assert pool_size(256, platform="linux") == 256
