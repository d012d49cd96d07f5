"""PySpark's Connect client without pandas: a third of a second of every command on sail.

The client imports pandas at its top, for annotations and for frames that come from pandas, of which
this project has none (docs/decisions/0021).
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

_NAMES = ("pandas", "pandas.api", "pandas.api.types")


class _Later(ModuleType):
    """A module that is imported when something of it is used, once imports are over."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.imports_are_over = False

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.imports_are_over:
            return getattr(import_module(self.__name__), name)
        return _called_later(self.__name__, name) if name.islower() else type(name, (), {})


def _called_later(module: str, name: str) -> Callable[..., object]:
    def call(*args: object, **named: object) -> object:
        return getattr(import_module(module), name)(*args, **named)

    return call


@contextmanager
def without_pandas() -> Iterator[None]:
    """While it lasts, who imports pandas gets what loads it at its first use.

    Not for several threads: each would import this pandas meanwhile. Where it is loaded already, or
    not installed (PySpark says so better), nothing is done.
    """
    later = {name: _Later(name) for name in _NAMES}
    try:
        # The client asks for the version, and for nothing else, when it is imported.
        later["pandas"].__dict__["__version__"] = version("pandas")
    except PackageNotFoundError:
        later = {}
    if "pandas" in sys.modules:
        later = {}
    sys.modules.update(later)
    try:
        yield
    finally:
        for name, module in later.items():
            module.imports_are_over = True
            if sys.modules.get(name) is module:
                del sys.modules[name]
