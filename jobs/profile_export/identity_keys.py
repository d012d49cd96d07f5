"""An identity as one text, outside an engine (docs/decisions/0007)."""

from collections.abc import Mapping

SEPARATOR = "\u0000"
"""Between namespace and value of an identity key; sorts below every other character, so that the
order of keys is the order of (namespace, value) pairs (S8)."""


def key_of(namespace: str, value: str) -> str:
    """The key of an identity, as ``columns.identity_key`` makes it (S2)."""
    return f"{namespace.lower()}{SEPARATOR}{value.strip(' ')}"


def parts_of(key: str, namespaces: Mapping[str, str]) -> tuple[str, str]:
    """Namespace and value of a key; the namespace as ``namespaces`` writes it (S2)."""
    namespace, _, value = key.partition(SEPARATOR)
    return namespaces.get(namespace, namespace), value
