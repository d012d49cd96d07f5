"""PySpark's Connect client without pandas: a third of a second of every command on sail.

The client imports pandas at its top, for annotations and for frames that come from pandas, of which
this project has none (docs/decisions/0022).
"""

import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from threading import Lock, get_ident
from types import ModuleType
from typing import Any

_NAMES = ("pandas", "pandas.api.types")
"""What the client imports of it."""
_lock = Lock()


class _Later(ModuleType):
    """Stands for a module in those that import it, which is imported when something of it is used.

    No other module sees it, and ``sys.modules`` has it not.
    """

    imports_are_over = False

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            self.__version__ = version("pandas")  # asked for several times
            return self.__version__
        if not self.imports_are_over and not name.startswith("__"):
            return _called_later(self.__name__, name) if name.islower() else type(name, (), {})
        return getattr(import_module(self.__name__), name)


def _called_later(module: str, name: str) -> Any:
    def call(*args: Any, **named: Any) -> Any:
        return getattr(import_module(module), name)(*args, **named)

    return call


@contextmanager
def without_pandas() -> Iterator[None]:
    """While it lasts, what this thread imports has pandas when it first uses it.

    Other threads import pandas as it is. Where it is loaded already, nothing is done.
    """
    with _lock:
        import_as_it_is, thread = builtins.__import__, get_ident()
        later = {name: _Later(name) for name in _NAMES}

        def import_(name: str, *args: Any, **named: Any) -> ModuleType:
            if name in later and get_ident() == thread and "pandas" not in sys.modules:
                return later[name]
            return import_as_it_is(name, *args, **named)

        builtins.__import__ = import_
        try:
            yield
        finally:
            builtins.__import__ = import_as_it_is
            for module in later.values():
                module.imports_are_over = True
