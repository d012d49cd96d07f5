"""What of a part with faults is well-formed, so that the rest is checked beside them."""

from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

_Part = TypeVar("_Part", bound=BaseModel)


def well_formed(model: type[_Part], item: object) -> _Part | None:
    """A part of an item; None where the item is no object.

    Members that are faulty, or required and missing, are None whatever their type says, and so are
    those of parts within it, and items of lists. ``model_fields_set`` has all members that were
    given, the faulty too.
    """
    if not isinstance(item, dict):
        return None
    try:
        return model.model_validate(item)
    except ValidationError:
        fields = model.model_fields
        given = {name for name, field in fields.items() if (field.alias or name) in item}
        values = {name: _member(item[fields[name].alias or name], fields[name]) for name in given}
        missing = {name: None for name, field in fields.items() if field.is_required()}
        return model.model_construct(given, **{**missing, **values})


def _member(value: object, field: FieldInfo) -> object:
    annotation: Any = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return well_formed(annotation, value)
    if get_origin(annotation) is tuple and isinstance(value, list):
        return tuple(_valid(get_args(annotation)[0], item) for item in value)
    return _valid(Annotated[annotation, *field.metadata] if field.metadata else annotation, value)


def _valid(type_: Any, value: object) -> object:
    try:
        return TypeAdapter(type_).validate_python(value) if value is not None else None
    except ValidationError:
        return None
