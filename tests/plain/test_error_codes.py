"""docs/errors.md and the source: every code that is given is on the page, and no other one.

Codes are read off the syntax trees, and names are followed to where they come from. What cannot be
followed fails :func:`test_every_code_is_followed`, so that no code is missed in silence.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TypeAlias

import pytest

import profile_export
from profile_export import errors

ROOT = Path(profile_export.__path__[0])
PAGE = ROOT.parents[1] / "docs" / "errors.md"

PASSED_ON = {
    ("shape.py", "detail['type']"),  # of our validators, who give it to PydanticCustomError
    ("commands/_answers.py", "str(each.get('code', ''))"),  # of the service
    ("commands/_answers.py", "str(said.get('type', '')).rpartition(':')[2]"),
    ("commands/_watch.py", "str(first.get('code', 'job-failed'))"),
}
"""Codes that come from elsewhere; so do those that are an attribute ``code`` of something."""

FILES = sorted(ROOT.rglob("*.py"))
TREES = {ast.parse(file.read_text(encoding="utf-8")): file for file in FILES}
NODES = [node for tree in TREES for node in ast.walk(tree)]
PARENTS = {child: node for node in NODES for child in ast.iter_child_nodes(node)}
FUNCTIONS = [node for node in NODES if isinstance(node, ast.FunctionDef)]
CLASSES = [node for node in NODES if isinstance(node, ast.ClassDef)]
CALLS = [node for node in NODES if isinstance(node, ast.Call)]

Comprehension: TypeAlias = ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp


def above(node: ast.AST) -> Iterator[ast.AST]:
    """All that a node stands in, from the inside."""
    while node in PARENTS:
        node = PARENTS[node]
        yield node


def module(node: ast.AST) -> ast.AST:
    *_, tree = node, *above(node)
    return tree


def below(name: str) -> set[str]:
    """A class, and all that are made of it."""
    found = {name}
    for class_ in CLASSES:
        if name in [base.id for base in class_.bases if isinstance(base, ast.Name)]:
            found |= below(class_.name)
    return found


# Who takes a code


@dataclass(frozen=True)
class Taker:
    """A function or a class, by its name, that takes an argument of some name.

    Attributes:
        place: Of the argument; None where it can only be named.
        least: How many arguments a call has.
        most: How many of them are not named.
        within: The module in which it can be called, if it is private.
        is_method: Whether it is called as an attribute only, or by a name that stands for one.
    """

    name: str
    argument: str
    place: int | None
    least: int
    most: int
    within: ast.AST | None = None
    is_method: bool = False

    def given(self, call: ast.Call) -> ast.expr | None:
        """The argument in a call; None in one of something else, or without it."""
        few = len(call.args) + len(call.keywords) < self.least
        if few or len(call.args) > self.most or not self.is_called(call):
            return None
        if self.place is not None and self.place < len(call.args):
            return call.args[self.place]
        return next((k.value for k in call.keywords if k.arg == self.argument), None)

    def is_called(self, call: ast.Call) -> bool:
        match call.func:
            case ast.Name(id=name) if not self.is_method:
                is_it = name == self.name
            case ast.Name():
                is_it = self.name in attributes(call.func)
            case _:
                is_it = isinstance(call.func, ast.Attribute) and call.func.attr == self.name
        return is_it and self.within in (None, module(call))


@cache
def attributes(name: ast.Name) -> set[str]:
    """What a name stands for: ``told = self.problem``."""
    return {one.attr for one in possible(name) if isinstance(one, ast.Attribute)}


@cache
def taker(function: ast.FunctionDef, argument: str, made: str = "") -> Taker | None:
    """A function that takes an argument of that name; as an ``__init__`` of the class ``made``."""
    asked, is_method = function.args, isinstance(PARENTS[function], ast.ClassDef)
    names = [arg.arg for arg in asked.args][is_method:]
    if argument not in (*names, *(arg.arg for arg in asked.kwonlyargs)):
        return None
    return Taker(
        made or function.name,
        argument,
        place=names.index(argument) if argument in names else None,
        least=len(names) - len(asked.defaults),
        most=len(names),
        within=module(function) if function.name.startswith("_") and not made else None,
        is_method=is_method and not made,
    )


def code_takers() -> Iterator[Taker]:
    yield Taker("PydanticCustomError", "error_type", place=0, least=2, most=3)
    for function in FUNCTIONS:
        owner, made = PARENTS[function], {""}
        if function.name == "__init__" and isinstance(owner, ast.ClassDef):
            made = below(owner.name)
        found = (taker(function, "code", name) for name in made)
        yield from (one for one in found if one is not None)
    for class_ in CLASSES:
        members = [node.target for node in class_.body if isinstance(node, ast.AnnAssign)]
        fields = [target.id for target in members if isinstance(target, ast.Name)]
        if "code" in fields:
            yield Taker(class_.name, "code", fields.index("code"), 1, len(fields))


# What an expression can be


def possible(node: ast.expr, seen: frozenset[ast.AST] = frozenset()) -> Iterator[ast.expr]:
    """The expressions that one can stand for; itself, where it cannot be followed."""
    if node in seen:
        return
    seen |= {node}
    found: list[ast.expr] = []
    match node:
        case ast.IfExp():
            found = [node.body, node.orelse]
        case ast.BoolOp():
            found = node.values
        case ast.NamedExpr():
            found = [node.value]
        case ast.Name():
            found = list(origins(node))
        case ast.Subscript():
            found = [item for whole in possible(node.value, seen) for item in items(whole, node)]
        case ast.Call(func=ast.Attribute(value=whole, attr="get")):
            tables = (one for one in possible(whole, seen) if isinstance(one, ast.Dict))
            found = [value for table in tables for value in table.values]
        case ast.Call(func=ast.Name(id=name)):
            found = list(returned(name, module(node)))
    if not found:
        yield node
    for one in found:
        yield from possible(one, seen)


def items(whole: ast.expr, node: ast.Subscript) -> list[ast.expr]:
    """What ``whole[...]`` can be."""
    if isinstance(whole, ast.Dict):
        return whole.values
    if isinstance(whole, ast.Tuple | ast.List | ast.Set):
        place = node.slice.value if isinstance(node.slice, ast.Constant) else None
        return [whole.elts[place]] if isinstance(place, int) else whole.elts
    return []


def returned(name: str, tree: ast.AST) -> Iterator[ast.expr]:
    """What a function of a module gives."""
    for function in FUNCTIONS:
        if function.name == name and PARENTS[function] is tree:
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    yield node.value


def origins(name: ast.Name) -> list[ast.expr]:
    """What a name was given, in the innermost place that gives it anything."""
    for place in above(name):
        found: list[ast.expr] = []
        if isinstance(place, Comprehension):
            for each in place.generators:
                found += bound(name.id, each.target, part(each.iter))
        elif isinstance(place, ast.FunctionDef | ast.Module):
            found = [one for node in statements(place) for one in assigned(name.id, node)]
        if isinstance(place, ast.Module):
            found += [one for node in statements(place) for one in imported(name.id, node)]
        if isinstance(place, ast.FunctionDef) and (asked := taker(place, name.id)) is not None:
            found += [given for call in CALLS if (given := asked.given(call)) is not None]
        if found:
            return found
    return []


@cache
def statements(place: ast.AST) -> list[ast.AST]:
    """The nodes of a scope, without those of scopes within it."""
    inner = (ast.FunctionDef, ast.ClassDef, Comprehension)
    nodes = [node for node in ast.iter_child_nodes(place) if not isinstance(node, inner)]
    return nodes + [found for node in nodes for found in statements(node)]


def assigned(name: str, node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Assign():
            return [one for target in node.targets for one in bound(name, target, node.value)]
        case ast.AnnAssign(value=ast.expr() as value) | ast.NamedExpr(value=value):
            return bound(name, node.target, value)
        case ast.For():
            return bound(name, node.target, part(node.iter))
    return []


def imported(name: str, node: ast.AST) -> list[ast.expr]:
    """What a module that a name is taken from has given it."""
    if not isinstance(node, ast.ImportFrom) or name not in {each.name for each in node.names}:
        return []
    file = ROOT.parent / f"{(node.module or '').replace('.', '/')}.py"
    trees = [tree for tree, read in TREES.items() if read == file]
    return [one for tree in trees for inner in statements(tree) for one in assigned(name, inner)]


def bound(name: str, target: ast.expr, value: ast.expr) -> list[ast.expr]:
    """What of a value goes to a name."""
    if isinstance(target, ast.Name):
        return [value] if target.id == name else []
    inner = target.elts if isinstance(target, ast.Tuple) else []
    return [found for n, one in enumerate(inner) for found in bound(name, one, part(value, n))]


@cache
def part(whole: ast.expr, place: int | None = None) -> ast.expr:
    """``whole[place]``, or any item of it, as if it stood in the source."""
    made = ast.Subscript(whole, ast.Constant(place))
    PARENTS[made] = PARENTS[whole]
    return made


def texts(node: ast.expr) -> Iterator[str | ast.expr]:
    """The texts that an expression can be, and what cannot be followed."""
    for found in possible(node):
        match found:
            case ast.Constant(value=str() as text):
                yield text
            case ast.JoinedStr():
                parts = [
                    list(texts(one.value if isinstance(one, ast.FormattedValue) else one))
                    for one in found.values
                ]
                for some in product(*parts):
                    whole = [text for text in some if isinstance(text, str)]
                    yield "".join(whole) if len(whole) == len(some) else found
            case ast.Constant(value=None) | ast.Attribute(attr="code"):
                continue
            case _:
                yield found


# The codes of the source


def attribute(class_: ast.ClassDef, name: str) -> ast.expr | None:
    """What a class gives an attribute: ``code, status = "gone", 410``."""
    found = [one for node in class_.body for one in assigned(name, node)]
    return found[0] if found else None


@cache
def given_codes() -> frozenset[str | ast.expr]:
    found: set[str | ast.expr] = set()
    for one in code_takers():
        for call in CALLS:
            if (given := one.given(call)) is not None:
                found |= set(texts(given))
    family = below("ExportError")
    for class_ in CLASSES:
        own = attribute(class_, "code") if class_.name in family else None
        found |= set() if own is None else set(texts(own))
    return frozenset(found)


def source_codes() -> set[str]:
    return {code for code in given_codes() if isinstance(code, str)}


# The page


@dataclass(frozen=True)
class Table:
    line: int
    head: list[str]
    rows: list[list[str]]


@cache
def tables() -> list[Table]:
    found: list[Table] = []
    before = ""
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not before.startswith("|"):
                found.append(Table(number, cells, []))
            elif not re.fullmatch(r"[|\s:-]+", line):
                found[-1].rows.append(cells)
        before = line
    return found


def code_tables() -> list[Table]:
    return [table for table in tables() if table.head[0] == "code"]


def class_table() -> Table:
    return next(table for table in tables() if table.head[0] == "class")


def plain(cell: str) -> str:
    return cell.strip("`")


def page_codes() -> set[str]:
    of_classes = {plain(row[1]) for row in class_table().rows}
    return of_classes | {plain(row[0]) for table in code_tables() for row in table.rows}


def test_every_code_is_followed() -> None:
    lost = [node for node in given_codes() if isinstance(node, ast.expr)]
    assert {(file_of(node), ast.unparse(node)) for node in lost} == PASSED_ON


def file_of(node: ast.AST) -> str:
    here = module(node)
    return next(str(file.relative_to(ROOT)) for tree, file in TREES.items() if tree is here)


def test_what_is_found_are_codes() -> None:
    assert {c for c in source_codes() if not re.fullmatch(r"[a-z]+(-[a-z]+)*|\d{6}", c)} == set()


def test_every_code_is_on_the_page() -> None:
    assert source_codes() - page_codes() == set()


def test_every_code_of_the_page_is_given() -> None:
    assert page_codes() - source_codes() == set()


def test_every_row_is_filled() -> None:
    assert {len(table.head) for table in code_tables()} == {4}
    for table in tables():
        for row in table.rows:
            assert len(row) == len(table.head), (table.line, row)
            assert all(row), (table.line, row)


def test_a_code_is_in_a_table_once() -> None:
    for table in code_tables():
        codes = [row[0] for row in table.rows]
        assert [code for code in codes if codes.count(code) > 1 or code[0] != "`"] == []


def test_the_table_of_classes() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = [kind for kind in kinds if issubclass(kind, errors.ExportError)]
    told = {(plain(row[0]), plain(row[1]), *row[3:]) for row in class_table().rows}
    assert told == {(k.__name__, k.code, str(k.status), str(k.exit_code)) for k in ours}


@pytest.mark.parametrize("number", ["status", "exit_code"])
def test_a_class_and_the_rows_of_its_code(number: str) -> None:
    """Where a class elsewhere has a number of its own, it stands in a row of its code."""
    told: dict[str, set[str]] = {}
    for row in (row for table in code_tables() for row in table.rows):
        told.setdefault(plain(row[0]), set()).update(re.findall(r"\d+", row[3]))
    family = below("ExportError") - set(vars(errors))
    for class_ in (class_ for class_ in CLASSES if class_.name in family):
        match (attribute(class_, "code"), attribute(class_, number)):
            case (ast.expr() as code, ast.expr() as own):
                (text,), (value,) = texts(code), possible(own)
                assert ast.unparse(value) in told[str(text)], class_.name
