"""What a query may be made of: an allow-list of words and functions, held against its final text.

An allow-list, since an engine has hundreds of functions and gets more with every version: those
that read files, the environment, other tables or Java classes are kept out by not being named here.
Also left out, for what they can do to a machine: functions that make much out of little
(``repeat``, ``sequence``, ``lpad``, ``format_string``), and regular expressions (one can take years
on a JVM and cannot be stopped there).

The text that is looked at is the one that the engine gets: every identifier in backquotes, every
string of harmless characters, no comment, no variable. Engines cannot read it otherwise than we do.
"""

import re
from collections.abc import Iterator

from profile_export.errors import nearest


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORDS = _words("""
    ALL AND ANTI AS ASC BETWEEN BOTH BY CASE CROSS CUBE CURRENT DESC DISTINCT ELSE END ESCAPE
    EXCEPT EXISTS FALSE FILTER FIRST FOLLOWING FROM FULL GROUP GROUPING HAVING IGNORE ILIKE IN
    INNER INTERSECT INTERVAL IS JOIN LAST LATERAL LEADING LEFT LIKE LIMIT NATURAL NOT NULL
    NULLS OFFSET ON OR ORDER OUTER OVER PARTITION PRECEDING RANGE RESPECT RIGHT ROLLUP ROW ROWS
    SELECT SEMI SETS THEN TRAILING TRUE UNBOUNDED UNION USING VIEW WHEN WHERE WINDOW WITH
""")
"""Words of SQL itself."""

TYPES = _words("""
    BIGINT BINARY BOOLEAN BYTE DATE DECIMAL DOUBLE FLOAT INT INTEGER LONG SHORT SMALLINT STRING
    TIMESTAMP TIMESTAMP_NTZ TINYINT
""")

UNITS = _words("""
    CURRENT_DATE CURRENT_TIMESTAMP DAY DAYOFWEEK DAYOFYEAR DAYS DIV DOW DOY HOUR HOURS
    MICROSECOND MILLISECOND MINUTE MINUTES MONTH MONTHS QUARTER SECOND SECONDS TO WEEK WEEKS
    YEAR YEARS
""")
"""Units of time, and what else stands bare without being a word of the grammar."""

_BEFORE_BRACKET = _words("""
    ALL AND AS BETWEEN BY CASE CUBE DECIMAL DISTINCT DIV ELSE EXCEPT EXISTS FILTER FROM HAVING
    IN INTERSECT JOIN LATERAL LIMIT NOT ON OR OVER ROLLUP SELECT SETS THEN UNION USING WHEN
    WHERE
""")
"""Words that can stand before a bracket without being the name of a function."""

FUNCTIONS = _words("""
    ANY_VALUE APPROX_COUNT_DISTINCT APPROX_PERCENTILE ARRAY_AGG AVG BOOL_AND BOOL_OR
    COLLECT_LIST COLLECT_SET CORR COUNT COUNT_IF COVAR_POP COVAR_SAMP EVERY FIRST FIRST_VALUE
    GROUPING GROUPING_ID KURTOSIS LAST LAST_VALUE MAX MAX_BY MEAN MEDIAN MIN MIN_BY MODE
    PERCENTILE PERCENTILE_APPROX SKEWNESS SOME STDDEV STDDEV_POP STDDEV_SAMP SUM TRY_AVG TRY_SUM
    VARIANCE VAR_POP VAR_SAMP

    CUME_DIST DENSE_RANK LAG LEAD NTH_VALUE NTILE PERCENT_RANK RANK ROW_NUMBER

    COALESCE GREATEST IF IFNULL ISNAN ISNOTNULL ISNULL LEAST NANVL NULLIF NVL NVL2

    ABS ACOS ASIN ATAN ATAN2 BROUND CBRT CEIL CEILING COS DEGREES EXP EXPM1 FLOOR HYPOT LN LOG
    LOG10 LOG1P LOG2 MOD NEGATIVE PI PMOD POSITIVE POW POWER RADIANS RINT ROUND SIGN SIGNUM SIN
    SQRT TAN TRY_ADD TRY_DIVIDE TRY_MULTIPLY TRY_SUBTRACT

    ASCII BASE64 BIT_LENGTH BTRIM CHARACTER_LENGTH CHAR_LENGTH CONCAT CONCAT_WS CONTAINS CRC32
    ENDSWITH HASH HEX INITCAP INSTR LCASE LEFT LENGTH LEVENSHTEIN LOCATE LOWER LTRIM MD5
    OCTET_LENGTH POSITION REPLACE REVERSE RIGHT RTRIM SHA SHA1 SHA2 SOUNDEX SPLIT_PART
    STARTSWITH SUBSTR SUBSTRING SUBSTRING_INDEX TRANSLATE TRIM UCASE UNBASE64 UNHEX UPPER
    XXHASH64

    ADD_MONTHS CURRENT_DATE CURRENT_TIMESTAMP DATEADD DATEDIFF DATE_ADD DATE_DIFF DATE_FORMAT
    DATE_FROM_UNIX_DATE DATE_PART DATE_SUB DATE_TRUNC DAY DAYOFMONTH DAYOFWEEK DAYOFYEAR EXTRACT
    FROM_UNIXTIME HOUR LAST_DAY MAKE_DATE MAKE_TIMESTAMP MINUTE MONTH MONTHS_BETWEEN NEXT_DAY
    NOW QUARTER SECOND TIMESTAMP_MICROS TIMESTAMP_MILLIS TIMESTAMP_SECONDS TO_DATE TO_TIMESTAMP
    TRUNC UNIX_DATE UNIX_MICROS UNIX_MILLIS UNIX_SECONDS UNIX_TIMESTAMP WEEKDAY WEEKOFYEAR YEAR

    AGGREGATE ARRAY ARRAYS_OVERLAP ARRAYS_ZIP ARRAY_APPEND ARRAY_COMPACT ARRAY_CONTAINS
    ARRAY_DISTINCT ARRAY_EXCEPT ARRAY_INTERSECT ARRAY_JOIN ARRAY_MAX ARRAY_MIN ARRAY_POSITION
    ARRAY_PREPEND ARRAY_REMOVE ARRAY_SIZE ARRAY_SORT ARRAY_UNION CARDINALITY ELEMENT_AT EXISTS
    EXPLODE EXPLODE_OUTER FILTER FLATTEN FORALL GET INLINE INLINE_OUTER MAP MAP_CONCAT
    MAP_CONTAINS_KEY MAP_ENTRIES MAP_FROM_ARRAYS MAP_FROM_ENTRIES MAP_KEYS MAP_VALUES
    NAMED_STRUCT POSEXPLODE POSEXPLODE_OUTER REDUCE SIZE SLICE SORT_ARRAY STRUCT TRANSFORM
    TRY_ELEMENT_AT

    CAST TO_JSON TRY_CAST TYPEOF
""")
"""Aggregates; window functions; choices; numbers; texts; times; arrays, maps and structs; casts."""

_SAFE = r" !#%&()*+,./0-9:;<=>?@A-Z\[\]^_a-z{|}~-"
"""What a string may hold in the text: no quote, no backslash, no dollar, no line end."""
SAFE_TEXT = re.compile(f"[{_SAFE}]*")
SAFE_NAME = re.compile(r"[^`\\$\x00-\x1f\x7f]+")
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<name>`[^`\\$\x00-\x1f\x7f]+`)"
    rf"|(?P<text>'[{_SAFE}]*')"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<sign>->|<=>|<>|<=|>=|!=|==|\|\||-(?!-)|/(?!\*)|[+*%(),.<>=|&^~\[\]])"
)


class Unsafe(Exception):
    """Something in a text that is not allowed; the message says what."""


def check_text(sql: str, *, own_prefix: str) -> None:
    """See that a text has nothing in it that is not on the lists.

    Args:
        sql: As the engine will get it.
        own_prefix: What our own names of views and CTEs begin with: only those may stand before a
            bracket, since any other name there would be that of a function.

    Raises:
        Unsafe: at the first thing that is not.
    """
    tokens = list(_tokens(sql))
    for (kind, text), (_, after) in zip(tokens, [*tokens[1:], ("", "")], strict=True):
        if kind == "word":
            _check_word(text.upper(), after)
        elif kind == "name" and after == "(" and not text.startswith(f"`{own_prefix}"):
            raise Unsafe(f"Function {text} is not offered in queries.")


def _check_word(word: str, after: str) -> None:
    if word == "X" and after.startswith("'"):
        return
    if word == "USING" and after != "(":
        raise Unsafe("USING takes column names in brackets.")
    if after == "(" and word not in _BEFORE_BRACKET and word not in FUNCTIONS:
        hint = nearest(word, FUNCTIONS)
        raise Unsafe(f"Function {word.lower()} is not offered in queries. {hint}")
    if after != "(" and word not in WORDS | TYPES | UNITS:
        raise Unsafe(f"{word} is not offered in queries.")


def _tokens(sql: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        if found is None:
            raise Unsafe(f"Not offered in queries: {sql[at : at + 20]!r}.")
        at = found.end()
        if found.lastgroup != "space":
            yield str(found.lastgroup), found[0]
