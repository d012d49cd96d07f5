"""Scratch folders go, whenever the process is interrupted."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from profile_export import scratch


def test_it_is_the_owners_alone_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch.scratch_folder(str(tmp_path)) as folder:
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        (Path(folder) / "a" / "b").mkdir(parents=True)
    assert list(tmp_path.iterdir()) == []


def interrupted_once(call: Callable[..., object]) -> Callable[..., object]:
    """As a signal handler of Python does: raises when the system call is over."""
    calls: list[int] = []

    def interrupted(*args: object, **options: object) -> object:
        answer = call(*args, **options)
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return answer

    return interrupted


def test_an_interrupt_right_after_it_was_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", interrupted_once(Path.mkdir))
    with pytest.raises(KeyboardInterrupt), scratch.scratch_folder(str(tmp_path)):
        pytest.fail("the work must not begin")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_it_is_removed_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "unlink", interrupted_once(os.unlink))
    with pytest.raises(KeyboardInterrupt), scratch.scratch_folder(str(tmp_path)) as folder:
        shutil.copy(__file__, folder)
    assert list(tmp_path.iterdir()) == []
