"""S12: the union of several schemas, widening what may widen and naming what conflicts."""

from .spark_types import ArrayType, AtomicType, DataType, DecimalType, MapType, StructType

WHOLE_NUMBERS = ["tinyint", "smallint", "int", "bigint"]


class TypeConflictError(Exception):
    """Two types that nothing holds both of."""


def _wider_atomic(left: str, right: str) -> str:
    if left == right:
        return left
    if left in WHOLE_NUMBERS and right in WHOLE_NUMBERS:
        return max(left, right, key=WHOLE_NUMBERS.index)
    numbers = [*WHOLE_NUMBERS, "float", "double"]
    if left in numbers and right in numbers:
        # Whole numbers and float have only double above both.
        return "double"
    raise TypeConflictError


def _wider_decimal(left: DecimalType, right: DecimalType) -> DecimalType:
    scale = max(left.scale, right.scale)
    digits = max(left.precision - left.scale, right.precision - right.scale)
    if digits + scale > 38:
        # No decimal of Spark holds both.
        raise TypeConflictError
    return DecimalType(digits + scale, scale)


def wider(left: DataType, right: DataType) -> DataType:
    """The type that holds both, inside arrays, map values and the structs in them too."""
    if isinstance(left, AtomicType) and isinstance(right, AtomicType):
        return AtomicType(_wider_atomic(left.name, right.name))
    if isinstance(left, DecimalType) and isinstance(right, DecimalType):
        return _wider_decimal(left, right)
    if isinstance(left, ArrayType) and isinstance(right, ArrayType):
        return ArrayType(wider(left.element, right.element))
    if isinstance(left, MapType) and isinstance(right, MapType) and left.key == right.key:
        return MapType(left.key, wider(left.value, right.value))
    if isinstance(left, StructType) and isinstance(right, StructType):
        return _wider_struct(left, right)
    raise TypeConflictError


def _wider_struct(left: StructType, right: StructType) -> StructType:
    fields = dict(left.fields)
    for name, kind in right.fields:
        fields[name] = wider(fields[name], kind) if name in fields else kind
    return StructType(tuple(fields.items()))


def unite(schemas: list[StructType]) -> tuple[StructType, list[str]]:
    """The union by dotted path, new paths at the end of their struct, and the conflicting paths."""
    conflicts: list[str] = []
    united = StructType(())
    for schema in schemas:
        united = _unite_two(united, schema, "", conflicts)
    return united, sorted(set(conflicts))


def _unite_two(left: StructType, right: StructType, above: str, conflicts: list[str]) -> StructType:
    fields = dict(left.fields)
    for name, kind in right.fields:
        path = above + name
        known = fields.get(name)
        if known is None:
            fields[name] = kind
        elif isinstance(known, StructType) and isinstance(kind, StructType):
            fields[name] = _unite_two(known, kind, path + ".", conflicts)
        else:
            try:
                fields[name] = wider(known, kind)
            except TypeConflictError:
                conflicts.append(path)
    return StructType(tuple(fields.items()))
