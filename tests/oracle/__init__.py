"""A second implementation of the semantics, written from the spec alone, to check the first."""

from .compare import differences
from .export import export

__all__ = ["differences", "export"]
