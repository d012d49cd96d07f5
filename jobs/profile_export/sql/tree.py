"""What is changed in a parsed query: names of tables, texts; and what is looked at meanwhile."""

from collections.abc import Collection, Iterator

from sqlglot import exp

from profile_export.errors import Problem, Refused, nearest
from profile_export.sql.nodes import check_node
from profile_export.sql.words import SAFE_NAME, SAFE_TEXT, Unsafe

MOST_WILDCARDS = 8
"""A LIKE with many takes time to a power of their number."""

_SPECIAL = (
    *("user", "session_user", "current_user", "current_catalog", "current_database"),
    *("current_schema", "current_path", "current_timezone"),
)
"""Names that Spark reads as functions where no column has them, in quotes too."""
_HIDDEN = "_metadata"
"""Spark's own column of every file: its path."""


def rewrite(tree: exp.Expr, prefix: str, tables: Collection[str]) -> dict[str, str]:
    """Check every node, and rename what a query reads from, in place.

    Args:
        tree: As parsed.
        prefix: Of all names that are given; nobody can guess it.
        tables: The SQL names of the export datasets.

    Returns:
        Name of a view -> SQL name of the dataset that it must show.

    Raises:
        Unsafe: there is something that is not allowed.
        Refused: ``unknown-table``.
    """
    nodes = list(tree.walk())
    for node in nodes:
        check_node(node)
        _check_names(node)
        _check_like(node)
    views: dict[str, str] = {}
    references = [(node, _cte_of(node)) for node in nodes if isinstance(node, exp.Table)]
    names = {
        id(cte): f"{prefix}c{number}"
        for number, cte in enumerate(node for node in nodes if isinstance(node, exp.CTE))
    }
    for table, cte in references:
        if cte is not None:
            _rename(table, names[id(cte)])
        else:
            name = _dataset(table, tables)
            view = next((v for v, n in views.items() if n == name), f"{prefix}v{len(views)}")
            views[view] = name
            _rename(table, view)
    for cte in (node for node in nodes if isinstance(node, exp.CTE)):
        cte.args["alias"].set("this", exp.to_identifier(names[id(cte)], quoted=True))
    for node in nodes:
        _harmless(node)
    return views


def _check_names(node: exp.Expr) -> None:
    if isinstance(node, exp.Identifier) and not SAFE_NAME.fullmatch(node.this):
        raise Unsafe(
            f"A name cannot have a backquote, backslash or dollar in a query: {node.this!r}."
        )
    if isinstance(node, exp.Identifier) and _as_spark_compares(node.this) == _HIDDEN:
        raise Unsafe(f"{_HIDDEN} is not offered in queries.")
    is_bare = isinstance(node, exp.Column) and len(node.parts) == 1
    if is_bare and _as_spark_compares(node.name) in _SPECIAL:
        raise Unsafe(f"Say which table's column {node.name} is: t.{node.name}.")
    if (
        isinstance(node, exp.TableAlias)
        and node.columns
        and not isinstance(node.parent, exp.CTE | exp.Lateral)
    ):
        raise Unsafe("Name columns in a SELECT, not behind the name of a table.")


def _as_spark_compares(name: str) -> str:
    """A name in the form in which those are alike that are one to Spark: Java ignores case letter
    by letter, and by capitals too, so that ``ſ`` is an ``s`` and ``ı`` an ``i``."""
    return "".join(letter.upper().lower()[:1] for letter in name)


def _check_like(node: exp.Expr) -> None:
    if not isinstance(node, exp.Like | exp.ILike):
        return
    pattern = node.expression
    if not (isinstance(pattern, exp.Literal) and pattern.is_string):
        raise Unsafe("LIKE takes a text as its pattern; contains(a, b) looks for another column.")
    if pattern.this.count("%") > MOST_WILDCARDS:
        raise Unsafe(f"A LIKE has at most {MOST_WILDCARDS} %.")


def _cte_of(table: exp.Table) -> exp.CTE | None:
    """The CTE that a table's name means: the innermost in whose scope it stands."""
    if table.args.get("db") or table.args.get("catalog"):
        return None
    name = table.name.lower()
    below: exp.Expr = table
    place: exp.Expr | None = table.parent
    inside: exp.CTE | None = None
    while place is not None:
        if isinstance(place, exp.CTE):
            inside = place
        if (with_ := place.args.get("with_")) is not None:
            for cte in _before(with_.expressions, inside if below is with_ else None):
                if cte.alias.lower() == name:
                    return cte
        below, place = place, place.parent
    return None


def _before(ctes: list[exp.CTE], inside: exp.CTE | None) -> Iterator[exp.CTE]:
    """The CTEs that can be seen, last first: all, or from inside one those before it."""
    upto = len(ctes) if inside is None else next(i for i, c in enumerate(ctes) if c is inside)
    return reversed(ctes[:upto])


def _dataset(table: exp.Table, tables: Collection[str]) -> str:
    name = table.name if table.name in tables else table.name.lower()  # ids may have capitals
    if table.args.get("db") or table.args.get("catalog") or name not in tables:
        written = ".".join(part.name for part in table.parts)
        hint = f"{nearest(name, tables)} The tables are: {', '.join(tables) or 'none'}."
        detail = f"There is no table {written[:100]!r} in this sandbox. {hint}"
        raise Refused([Problem("unknown-table", detail, "/sql")])
    return name


def _rename(table: exp.Table, name: str) -> None:
    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
    table.set("this", exp.to_identifier(name, quoted=True))


def _harmless(node: exp.Expr) -> None:
    """Names in quotes, and texts with anything unusual in them as hex: nothing to be misread."""
    if isinstance(node, exp.Identifier):
        node.set("quoted", True)
    elif isinstance(node, exp.Lateral) and node.args.get("view") and node.alias:
        # The text is made with this name as it is, without quotes.
        node.args["alias"].set("this", exp.Identifier(this=f"`{node.alias}`"))
    elif isinstance(node, exp.Literal) and node.is_string and not SAFE_TEXT.fullmatch(node.this):
        data = exp.HexString(this=node.this.encode().hex().upper())
        node.replace(exp.Cast(this=data, to=exp.DataType.build("STRING", dialect="spark")))
