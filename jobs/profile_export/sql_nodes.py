"""The kinds of node that a query may be parsed to, and the parts that each may have.

Functions are not named here but by the words of the final text (:mod:`~profile_export.sql_words`);
what is named here is structure. A kind or a part that a later version of the parser adds is refused
until somebody has thought about it.
"""

from sqlglot import exp

NODES: dict[type[exp.Expression], frozenset[str] | None] = {
    exp.Select: frozenset(
        [
            "expressions",
            "from_",
            "joins",
            "laterals",
            "where",
            "group",
            "having",
            "windows",
            "order",
            "limit",
            "offset",
            "distinct",
            "with_",
        ]
    ),
    exp.Union: frozenset(
        ["this", "expression", "distinct", "by_name", "with_", "order", "limit", "offset"]
    ),
    exp.Intersect: frozenset(
        ["this", "expression", "distinct", "with_", "order", "limit", "offset"]
    ),
    exp.Except: frozenset(["this", "expression", "distinct", "with_", "order", "limit", "offset"]),
    exp.Subquery: frozenset(["this", "alias", "with_", "order", "limit", "offset"]),
    exp.With: frozenset(["expressions"]),
    exp.CTE: frozenset(["this", "alias"]),
    exp.From: frozenset(["this"]),
    exp.Join: frozenset(["this", "method", "side", "kind", "on", "using"]),
    exp.Table: frozenset(["this", "alias", "joins", "laterals"]),
    exp.TableAlias: frozenset(["this", "columns"]),
    exp.Lateral: frozenset(["this", "view", "outer", "alias"]),
    exp.Where: frozenset(["this"]),
    exp.Group: frozenset(["expressions", "cube", "rollup", "grouping_sets", "all"]),
    exp.Having: frozenset(["this"]),
    exp.Order: frozenset(["expressions"]),
    exp.Ordered: frozenset(["this", "desc", "nulls_first"]),
    exp.Limit: frozenset(["expression"]),
    exp.Offset: frozenset(["expression"]),
    exp.Distinct: frozenset(["expressions"]),
    exp.Filter: None,
}
