"""The demo sandbox: real tables (FEBRL, CDNOW) as a small organisation's lakehouse."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profile_export.demo.builder import DemoSandbox, build

__all__ = ["DemoSandbox", "build"]


def __getattr__(name: str) -> object:
    """The builder, at its first use: ``demo.folder`` is wanted before what it imports is."""
    if name not in __all__:
        raise AttributeError(name)
    from profile_export.demo import builder

    return getattr(builder, name)
