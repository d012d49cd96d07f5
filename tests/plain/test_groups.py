"""Tests that share something expensive run in one process: those of one ``xdist_group``."""

import pytest


@pytest.mark.xdist_group("alone")
def test_the_runner_knows_of_groups(request: pytest.FixtureRequest) -> None:
    """pytest 9.2 left pytest-xdist 3.8 without them, in silence: each process made all anew."""
    has_groups = bool(request.config.getoption("loadgroup", default=False))
    assert request.node.nodeid.endswith("@alone") is has_groups
