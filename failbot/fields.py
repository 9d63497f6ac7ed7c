"""What a dataclass says of its fields, and the functions that walk them: no list is kept elsewhere.

A field opts out, never in: one that says nothing is redacted, searched and limited. What is walked
holds text, enumerations, plain values, dataclasses, and tuples of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, get_args, get_origin, get_type_hints

from failbot.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TEXT_LIMIT = 40_000  # characters of one text; Slack truncates a message there (chat.postMessage)
LIST_LIMIT = 20

T = TypeVar("T", bound="DataclassInstance")
_KEY = "failbot"
_PLAIN = (Enum, bool, int, float, datetime, type(None))  # they hold nothing that someone typed


def _anything(text: str) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a field says of itself; for a list, of each of its items."""

    is_redacted: bool = True
    is_searched: bool = True  # it is part of the text that is embedded and matched
    is_required: bool = False  # nothing is recorded without this text
    limit: int = TEXT_LIMIT  # characters of one text
    most: int | None = LIST_LIMIT  # items of a list; None for as many as there are
    refusal: Callable[[str], str] = _anything  # what is wrong with a text; "" where nothing is
    tidy: Callable[[str], str] = str.strip  # what a redacted text becomes before it is stored


def says(**said: Any) -> dict[str, About]:
    """The metadata of a field that is not as every other: `field(metadata=says(limit=300))`."""
    return {_KEY: About(**said)}


def about(part: Field[Any]) -> About:
    """What the field says of itself."""
    said = part.metadata.get(_KEY)
    return said if isinstance(said, About) else _USUAL


_USUAL = About()


@cache
def kinds(kind: type[DataclassInstance]) -> dict[str, Any]:
    """The types of a dataclass's fields by name, in their order."""
    hints = get_type_hints(kind)
    return {part.name: hints[part.name] for part in fields(kind)}


@cache
def texts(kind: type[DataclassInstance]) -> tuple[str, ...]:
    """The names of the fields that hold one text."""
    return tuple(name for name, one in kinds(kind).items() if one is str)


@cache
def lists(kind: type[DataclassInstance]) -> tuple[str, ...]:
    """The names of the fields that hold several items, of whatever type."""
    return tuple(name for name, one in kinds(kind).items() if get_origin(one) is tuple)


def map_texts(value: T, function: Callable[[str, About], str]) -> T:
    """The same dataclass with each of its texts, at any depth, as `function(text, about)` says.

    :raises TypeError: a field holds what is not walked, so that no text can hide in it.
    """
    changed = {
        part.name: _mapped(getattr(value, part.name), function, about(part))
        for part in fields(value)
    }
    return replace(value, **changed)


def as_dict(value: DataclassInstance) -> dict[str, Any]:
    """The dataclass as JSON holds it: lists for tuples, values for enumerations.

    :raises TypeError: a field holds what is not walked.
    """
    return {part.name: _written(getattr(value, part.name)) for part in fields(value)}


def from_dict(kind: type[T], mapping: object) -> T:
    """What `as_dict` wrote, by this version or another.

    An absent name gets its default, and a name that `kind` does not know is ignored: what an
    older or a newer version stored stays readable.
    :raises InputError: it is no mapping, or lacks a name that has no default.
    """
    given = mapping if isinstance(mapping, Mapping) else {}
    found = {name: read(given[name]) for name, read in _readers(kind).items() if name in given}
    missing = [name for name in _needed(kind) if name not in found]
    if missing or not isinstance(mapping, Mapping):
        raise InputError(f"this is no {kind.__name__}: it lacks {', '.join(missing) or 'names'}")
    return kind(**found)


def searched(
    value: DataclassInstance, kind: type[DataclassInstance] | None = None
) -> Iterator[str]:
    """The texts that are searched, in the fields' order; a list of texts is one, with commas.

    :param kind: whose fields to walk, where `value` is of a class that adds to them.
    """
    for name in _searched(kind or type(value)):
        yield from _parts(getattr(value, name))


def problems(value: DataclassInstance) -> dict[str, str]:
    """What keeps the dataclass from being recorded: field -> words; empty if nothing does."""
    found = {part.name: _problem(getattr(value, part.name), about(part)) for part in fields(value)}
    return {name: words for name, words in found.items() if words}


@cache
def _searched(kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(part.name for part in fields(kind) if about(part).is_searched)


@cache
def _needed(kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(
        part.name
        for part in fields(kind)
        if part.default is MISSING and part.default_factory is MISSING
    )


def _is_nested(value: Any) -> TypeGuard[DataclassInstance]:
    return is_dataclass(value) and not isinstance(value, type)


def _mapped(value: Any, function: Callable[[str, About], str], said: About) -> Any:
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, str):
        return function(value, said)
    if isinstance(value, tuple):
        return tuple(_mapped(one, function, said) for one in value)
    if _is_nested(value):
        return map_texts(value, function)
    raise TypeError(f"a field holds {type(value).__name__}, which is not walked")


def _written(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | bool | int | float | None):
        return value
    if isinstance(value, tuple):
        return [_written(one) for one in value]
    if _is_nested(value):
        return as_dict(value)
    raise TypeError(f"a field holds {type(value).__name__}, which JSON does not")


@cache
def _readers(kind: type[DataclassInstance]) -> dict[str, Callable[[Any], Any]]:
    return {name: _reader(one) for name, one in kinds(kind).items()}


def _reader(kind: Any) -> Callable[[Any], Any]:
    """What makes a field's value of what `_written` left of it."""
    if get_origin(kind) is tuple:
        item = _reader(get_args(kind)[0])
        return lambda value: tuple(map(item, value))
    if isinstance(kind, UnionType):  # of a type and None
        some = _reader(next(one for one in get_args(kind) if one is not type(None)))
        return lambda value: None if value is None else some(value)
    if is_dataclass(kind):
        return lambda value: from_dict(kind, value)  # type: ignore[arg-type]  # it is a class
    return kind if issubclass(kind, Enum) else lambda value: value


def _parts(value: Any) -> Iterator[str]:
    if isinstance(value, _PLAIN):
        return
    if isinstance(value, str):
        yield value
    elif _is_nested(value):
        yield from searched(value)
    elif all(isinstance(one, str) for one in value):
        yield ", ".join(value)
    else:
        for one in value:
            yield from _parts(one)


def _problem(value: Any, said: About) -> str:
    if isinstance(value, str) and not isinstance(value, Enum):
        return _text_problem(value, said)
    if isinstance(value, tuple):
        if said.most is not None and len(value) > said.most:
            return f"has {len(value)} items; at most {said.most} fit"
        return next(filter(None, (_problem(one, said) for one in value)), "")
    return next(iter(problems(value).values()), "") if _is_nested(value) else ""


def _text_problem(text: str, said: About) -> str:
    if said.is_required and not text.strip():
        return "is missing; one sentence is enough"
    if len(text) > said.limit:
        return (
            f"has {len(text):,} characters where at most {said.limit:,} fit: {text[:30]!r}…; "
            "link to the rest"
        )
    return said.refusal(text)
