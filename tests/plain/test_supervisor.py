"""The worker of ``serve`` is asked to end once, whoever asks how often."""

import sys
import time
from pathlib import Path

from profile_export.service.supervisor import Supervisor

CHILD = """
import signal, sys, time
from pathlib import Path
heard = []
signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
Path(sys.argv[1]).touch()
while not heard:
    time.sleep(0.01)
time.sleep(0.5)  # a job that takes a moment to stop
Path(sys.argv[1]).write_text(str(len(heard)))
"""


def test_a_worker_hears_one_signal(tmp_path: Path) -> None:
    """A second one would break its job off, which costs a try."""
    file = tmp_path / "heard"
    supervisor = Supervisor([sys.executable, "-c", CHILD, str(file)], {})
    supervisor.start()
    while not file.exists():
        time.sleep(0.01)
    supervisor.ask()
    time.sleep(0.1)
    supervisor.ask()
    supervisor.end(20)
    assert file.read_text() == "1"
