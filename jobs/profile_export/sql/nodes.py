"""The kinds of node that a query may be parsed to, and the parts that each may have.

Functions are not named here but by the words of the final text
(:mod:`~profile_export.sql.words`): here is structure. A kind or a part that a later version of the
parser adds is refused until somebody has thought about it.
"""

from sqlglot import exp

from profile_export.sql.words import Unsafe

_PARTS: dict[type[exp.Expr], str] = {
    exp.Select: "expressions from_ joins laterals where group having windows order limit offset"
    " distinct with_",
    exp.Union: "this expression distinct with_ order limit offset",
    exp.Intersect: "this expression distinct with_ order limit offset",
    exp.Except: "this expression distinct with_ order limit offset",
    exp.Subquery: "this alias with_ order limit offset",
    exp.With: "expressions",
    exp.CTE: "this alias",
    exp.From: "this",
    exp.Join: "this method side kind on using",
    exp.Table: "this db catalog alias joins",
    exp.TableAlias: "this columns",
    exp.Lateral: "this view outer alias",
    exp.Where: "this",
    exp.Group: "expressions cube rollup grouping_sets all",
    exp.Cube: "expressions",
    exp.Rollup: "expressions",
    exp.GroupingSets: "expressions",
    exp.Having: "this",
    exp.Order: "expressions",
    exp.Ordered: "this desc nulls_first",
    exp.Limit: "expression",
    exp.Offset: "expression",
    exp.Distinct: "expressions",
    exp.Window: "this partition_by order spec alias over",
    exp.WindowSpec: "kind start start_side end end_side",
    exp.Star: "except_",
    exp.Column: "this table db catalog",
    exp.Identifier: "this quoted",
    exp.Alias: "this alias",
    exp.Aliases: "this expressions",
    exp.Bracket: "this expressions offset safe",
    exp.DataType: "this expressions nested",
    exp.DataTypeParam: "this",
    exp.In: "this expressions query",
    exp.Between: "this low high",
    exp.Interval: "this unit",
    exp.Filter: "this expression",
    exp.Lambda: "this expressions",
}
"""Kinds whose parts matter."""

_PLAIN: frozenset[type[exp.Expr]] = frozenset(
    (
        *(exp.Literal, exp.HexString, exp.Boolean, exp.Null, exp.Paren, exp.Tuple, exp.Var),
        *(exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.IntDiv, exp.Neg, exp.DPipe),
        *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ),
        *(exp.Is, exp.Not),
        *(exp.Like, exp.ILike, exp.Escape, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor),
        *(exp.Dot, exp.PropertyEQ, exp.IgnoreNulls, exp.RespectNulls),
    )
)
"""Kinds that are only what they hold."""

_TABLES = (exp.Table, exp.Subquery, exp.Lateral)
_GENERATORS = (
    *(exp.Explode, exp.ExplodeOuter, exp.Posexplode, exp.PosexplodeOuter, exp.Inline, exp.Subquery),
    exp.Anonymous,  # inline_outer: its name is held against the list of functions
)


def check_node(node: exp.Expr) -> None:
    """See that a node is of a known kind, with known parts, in a place where it may be.

    Raises:
        Unsafe: it is not.
    """
    kind = type(node)
    if kind in _PARTS:
        parts = {name for name, value in node.args.items() if value not in (None, False, [])}
        if unknown := parts - set(_PARTS[kind].split()):
            raise Unsafe(f"{_words(unknown)} is not offered in queries.")
    elif kind not in _PLAIN and not isinstance(node, exp.Func):
        raise Unsafe(f"{kind.key.upper()} is not offered in queries.")
    if isinstance(node, exp.Select) and not node.expressions:
        raise Unsafe("SELECT needs something to select.")
    if isinstance(node, exp.From | exp.Join) and not isinstance(node.this, _TABLES):
        raise Unsafe("FROM and JOIN take export datasets and subqueries only.")
    if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
        raise Unsafe("FROM and JOIN take export datasets and subqueries only, no functions.")
    if isinstance(node, exp.Lateral) and not isinstance(node.this, _GENERATORS):
        raise Unsafe("LATERAL takes explode, posexplode, inline and subqueries only.")


def _words(names: set[str]) -> str:
    return ", ".join(sorted(name.strip("_").replace("_", " ").upper() for name in names))
