"""The demo sandbox: real tables (FEBRL, CDNOW) as a small organisation's lakehouse."""

from profile_export.demo.builder import DemoSandbox, build

__all__ = ["DemoSandbox", "build"]
