"""Read a YAML file into plain values, and remember on which line each stands.

PyYAML parses; this walks its node tree, since only nodes have marks and show duplicate keys.
Anchors, aliases and ``<<`` work; tags beyond YAML's own do not.
"""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from profile_export.errors import Problem, Refused
from profile_export.shape import pointer, quote

MAX_DEPTH = 100
MAX_NODES = 200_000
"""Aliases of aliases grow exponentially; no catalog has as many values."""


@dataclass
class YamlFile:
    """The value of a file, the line of each pointer, and what was wrong on the way."""

    name: str
    value: object = None
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def source(self, at: str) -> str:
        """``file:line`` of a pointer; of what is not there, the line of what should hold it."""
        while at and at not in self.lines:
            at = at.rpartition("/")[0]
        return f"{self.name}:{self.lines.get(at, 1)}"

    def add(self, code: str, detail: str, at: str) -> None:
        self.problems.append(Problem(code, detail, at, source=self.source(at)))


_COLLECTION_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


def read_yaml(path: Path) -> YamlFile:
    """Read ``path``.

    Raises:
        Refused: ``file-unreadable`` or ``not-yaml``: there is no value to go on with. Problems that
            leave a value (``duplicate-key``, ``bad-value``) are in ``problems``.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        inside = path / "sandbox.yml"  # where `demo` and `serve --sandbox demo` put it
        todo = f"Did you mean {str(inside)!r}?" if inside.is_file() else "Check its path."
        detail = f"The file {str(path)!r} cannot be read: {error.strerror}. {todo}"
        raise Refused([Problem("file-unreadable", detail, source=path.name)]) from None
    except UnicodeDecodeError:
        raise _not_yaml(path, 1, "it is not UTF-8 text") from None
    file = YamlFile(path.name)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is not None:
            file.value = _value(loader, node, file, ())
    except RecursionError:
        raise _not_yaml(path, 1, f"it is nested deeper than {MAX_DEPTH} levels") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        why = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        raise _not_yaml(path, mark.line + 1 if mark else 1, str(why)) from None
    return file


def _not_yaml(path: Path, line: int, why: str) -> Refused:
    detail = f"The file is not YAML: {why}."
    return Refused([Problem("not-yaml", detail, source=f"{path.name}:{line}")])


def _value(
    loader: yaml.SafeLoader, node: yaml.Node, file: YamlFile, at: tuple[str | int, ...]
) -> object:
    file.nodes += 1
    if file.nodes > MAX_NODES or len(at) > MAX_DEPTH:
        raise yaml.MarkedYAMLError(problem="too large or too deep", problem_mark=node.start_mark)
    file.lines.setdefault(pointer(*at), node.start_mark.line + 1)
    if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTION_TAGS:
        file.add(
            "bad-value", f"The tag {node.tag} is not allowed; write a plain value.", pointer(*at)
        )
    if isinstance(node, yaml.MappingNode):
        return _mapping(loader, node, file, at)
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, file, (*at, i)) for i, item in enumerate(node.value)]
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError):
        file.add(
            "bad-value", f"{quote(str(node.value))} cannot be read as {node.tag}.", pointer(*at)
        )
        return None


def _mapping(
    loader: yaml.SafeLoader, node: yaml.MappingNode, file: YamlFile, at: tuple[str | int, ...]
) -> dict[str, object]:
    _note_duplicates(node, file, at)
    loader.flatten_mapping(node)  # '<<': merged members first, so that own ones replace them
    made: dict[str, object] = {}
    for key, item in node.value:
        if not isinstance(key, yaml.ScalarNode):
            file.add("wrong-type", "The name of a member must be text.", pointer(*at))
            continue
        file.lines[pointer(*at, key.value)] = key.start_mark.line + 1
        made[key.value] = _value(loader, item, file, (*at, key.value))
    return made


def _note_duplicates(node: yaml.MappingNode, file: YamlFile, at: tuple[str | int, ...]) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line = key.start_mark.line + 1
        if key.value in seen:
            here = pointer(*at, key.value)
            detail = (
                f"Member {quote(key.value)} is written again; it is on line {seen[key.value]} too."
            )
            file.problems.append(
                Problem("duplicate-key", detail, here, source=f"{file.name}:{line}")
            )
        seen[key.value] = line
