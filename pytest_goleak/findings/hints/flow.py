"""Where a value goes within the function that allocates it, read from the lines of its source.

The heap profile says where memory was allocated, and hides whether a map, a slice or something else keeps it. The
source says so where the value is stored in the same function, or returned to a caller that stores it. Nothing here
parses Go: lines are matched, and what does not match plainly is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pytest_goleak.findings.source import Excerpt

__all__ = ["Container", "Store", "find_store", "literal_around", "loop_around", "passed_on", "statement_at"]


class Container(StrEnum):
    """What keeps a value."""

    MAP = "map"
    SLICE = "slice"
    SYNC_MAP = "sync.Map"
    LIST = "list"
    FINALIZER = "finalizer"
    SIGNAL = "signal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A line that keeps the value for longer than the call."""

    container: Container
    target: str
    """The expression that names the container, such as ``c.entries``."""
    values: tuple[str, ...]
    """The expressions that are stored: the value, and the key if there is one."""
    is_part: bool = False
    """Whether only a part of the value's array is referred to, such as ``body[:16]``."""
    function: str = ""
    """First line of the function that stores."""
    made: str = ""
    """The statement that allocated the value."""
    relief: str = ""
    """A line of the function that takes elements out again, or asks whether there are too many."""


_NAME = r"[A-Za-z_]\w*"
_PATH = rf"{_NAME}(?:\.{_NAME})*"
_APPEND = re.compile(rf"^({_PATH})(?:\[.*\])?\s*=\s*append\(\s*\1(?:\[[^\]]*\])?\s*,\s*(.*)\)$")
_ELEMENT = re.compile(rf"^({_PATH})\[(?!\s*:)")
_SET = re.compile(r"^\s*[+|]?=\s*([^=].*)$")
_SYNC_MAP = re.compile(rf"({_PATH})\.(?:Store|LoadOrStore|Swap)\(([^,]+),\s*(.*)\)")
_LIST = re.compile(rf"({_PATH})\.Push(?:Back|Front)\((.*)\)")
_ASSIGN = re.compile(rf"^({_PATH})\s*=\s*([^=].*)$")
_FINALIZER = re.compile(rf"runtime\.(?:SetFinalizer|AddCleanup)\(({_NAME}),")
_SIGNAL = re.compile(rf"signal\.Notify\(({_NAME}),")
_LITERAL = re.compile(r"&?(?:\[\]|map\[)?[\w.\[\]*]*\{")
_DEFINES = re.compile(rf"^(?:var\s+)?({_NAME})(?:\s*,\s*{_NAME})*(?:\s+[\w.*\[\]]+)?\s*:?=\s*(.*)$")
_FIELD = re.compile(rf"^({_NAME})\.{_NAME}\s*=\s*([^=].*)$")
_RETURNS = re.compile(r"^return\b\s*(.*)$")
_COMMENT = re.compile(r"//.*$")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|\'(?:[^\'\\]|\\.)+\'')
_BLOCK = re.compile(r"(?:^|\s)(?:func|if|for|switch|select|else|struct|interface)\b.*\{$|^(?:case\b.*|default):$")
_HANDLER = re.compile(
    r"\breturn func\(|\bfunc\([^)]*(?:http\.ResponseWriter|gin\.Context|echo\.Context|fiber\.Ctx|fasthttp\.RequestCtx)"
)
_SHARES = r"(?:strings|bytes)\.(?:Split\w*|Fields\w*|Trim\w*|Cut\w*)"
_RECEIVER = re.compile(r"func \((\w+) ")
_FAILED = re.compile(r"^!|\)\s*!=\s*nil|\berr\s*!=\s*nil")
_BODY = re.compile(r"\{(?:\s|$)")
_LONGEST_STATEMENT = 12
_GOES_ON = (",", "{", "(", "[", " =", ":=", " +", "&&", "||", ".")


def find_store(places: Sequence[Excerpt]) -> Store | None:
    """Return how the value allocated at the first of *places* is kept, ``None`` where its source does not tell.

    Args:
        places: the user's frames on the stack with their source, leaf first. A later one is looked at only if the
            value is returned to it.

    """
    made = ""
    for place in places:
        if place.index is None:
            return None
        lines, index = _scope(place.body, place.index)
        statement = statement_at(lines, index)
        made = made or statement
        found = _stored_directly(statement, lines) or _stored_later(statement, lines, index)
        if found:
            return replace(found, function=place.body[0], made=made, relief=_relief(found.target, place.body))
        if not _is_returned(statement, lines, index):
            return None
    return None


def _scope(body: Sequence[str], index: int) -> tuple[tuple[str, ...], int]:
    """Return the plain lines of the function that is called per request, and which of them allocates."""
    if len(body) == 1:
        header, _, inner = body[0].partition("{")
        statements = [_plain(text) for text in inner.rpartition("}")[0].split(";")]
        stores = (number for number, text in enumerate(statements, start=1) if any(_stores_of(text)))
        return (f"{header}{{", *statements, "}"), next(stores, 1) if len(statements) == 1 else 1
    first = _handler_around(body, index)
    return tuple(_plain(line) for line in body[first:]), index - first


def _handler_around(body: Sequence[str], index: int) -> int:
    """Return where the function literal starts that is called per request, 0 if that is the function itself.

    What such a literal takes from around it was made once, and outlives its calls.
    """
    indent = _indent(body[index])
    for number in range(index, 0, -1):
        line = body[number]
        if line.strip() and (_indent(line) < indent or number == index):
            indent = _indent(line)
            if _HANDLER.search(line):
                return number
    return 0


def passed_on(place: Excerpt) -> tuple[int, ...]:
    """Return positions in the body of *place* of later calls that get the value made there, or what refers to it."""
    if place.index is None:
        return ()
    lines, index = _scope(place.body, place.index)
    defined = _DEFINES.match(statement_at(lines, index))
    if defined is None:
        return ()
    names, found = {defined[1]: False}, []
    for number in range(index + 1, len(lines)):
        text = statement_at(lines, number)
        if any(re.search(rf"\(.*(?<![\w.]){re.escape(name)}\b", text) for name in names):
            found.append(number - index + place.index)
        _follow(text, names)
    return tuple(found)


def statement_at(lines: Sequence[str], index: int) -> str:
    """Return the statement that ``lines[index]`` is a part of, on one line, comments and texts left out."""
    start = index
    # An element of a literal, or an argument, stands on a line of its own below the one that opened the bracket.
    for number in range(index - 1, max(-1, index - _LONGEST_STATEMENT), -1):
        line = _plain(lines[number])
        if _BLOCK.search(line) or not line.endswith(_GOES_ON):
            break
        start = number
    joined, depth = "", 0
    for line in lines[start : start + _LONGEST_STATEMENT]:
        text = _plain(line)
        joined = f"{joined} {text}".strip()
        depth += _opened(text)
        if depth <= 0 or _BLOCK.search(text):
            break
    return joined


def loop_around(body: Sequence[str], index: int) -> tuple[str, ...]:
    """Return the lines of the innermost loop around ``body[index]`` that nothing in its header ends.

    That is a loop without a condition, or with one that only asks whether the work has failed. gofmt's indentation
    tells which lines are inside.
    """
    indent = _indent(body[index])
    for number in range(index - 1, -1, -1):
        line = body[number]
        if not line.strip() or _indent(line) >= indent:
            continue
        indent = _indent(line)
        text = _plain(line)
        if re.match(r"(?:\w+:\s*)?for\b", text):
            end = next(
                (last for last in range(index, len(body)) if _indent(body[last]) <= indent and body[last].strip()),
                len(body),
            )
            return tuple(body[number:end]) if _is_endless(text) else ()
        if re.search(r"\bfunc\b", text):
            return ()
    return ()


def literal_around(body: Sequence[str], index: int) -> tuple[str, ...]:
    """Return the lines of the innermost function literal around ``body[index]``, all of *body* if there is none."""
    indent = _indent(body[index])
    for number in range(index - 1, -1, -1):
        if not body[number].strip() or _indent(body[number]) >= indent:
            continue
        indent = _indent(body[number])
        if re.search(r"\bfunc\b", _plain(body[number])):
            inside = range(number + 1, len(body))
            end = next((last for last in inside if body[last].strip() and _indent(body[last]) <= indent), len(body))
            return tuple(body[number : end + 1])
    return tuple(body)


def _relief(target: str, body: Sequence[str]) -> str:
    """Return the line that takes something out of *target* or bounds its length, empty if none is to be seen."""
    name = rf"(?<![\w.]){re.escape(target)}\b"
    length = rf"(?:len\({name}\)|{name}\.Len\(\))"
    removes = re.compile(
        rf"\b(?:delete|clear|\w+\.Delete\w*)\({name}|{name}\.(?:\w*Delete|Remove|Clear|Init)\w*\("
        rf"|{name}\s*=\s*{name}\[|{length}\s*[<>](?![=\s]*0\b)|(?<!\b0)\s[<>]=?\s*{length}"
        r"|\b(?i:evict|expire|purge|prune)\w*\("
    )
    return next((plain for plain in map(_plain, body) if removes.search(plain)), "")


def _is_endless(header: str) -> bool:
    clauses = header.partition("for")[2].rstrip("{").split(";")
    condition = (clauses[0] if len(clauses) == 1 else clauses[1]).strip()
    return not condition or (_FAILED.search(condition) is not None and "&&" not in condition)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip("\t"))


def _plain(line: str) -> str:
    return _COMMENT.sub("", _TEXT.sub('""', line)).strip()


def _opened(text: str) -> int:
    return sum((char in "({[") - (char in ")}]") for char in text)


def _stored_directly(statement: str, lines: Sequence[str]) -> Store | None:
    for found in _stores_of(statement):
        if _outlives_call(found.target, lines):
            return found
    match = _ASSIGN.match(statement)
    if match and _LITERAL.match(match[2]) and _mentions(match[1], match[2]) and _outlives_call(match[1], lines):
        return Store(container=Container.LIST, target=match[1], values=(match[2],))
    return None


def _stores_of(statement: str) -> Iterator[Store]:
    """Return what *statement* stores; whether the container outlives the call is not looked at."""
    if match := _APPEND.match(statement):
        yield Store(container=Container.SLICE, target=match[1], values=tuple(_arguments(match[2])))
    elif found := _element_of(statement):
        target, key, value = found
        yield Store(container=Container.MAP, target=target, values=(value, key))
    elif match := _SYNC_MAP.search(statement):
        yield Store(container=Container.SYNC_MAP, target=match[1], values=(match[3], match[2]))
    elif match := _LIST.search(statement):
        yield Store(container=Container.LIST, target=match[1], values=(match[2],))


def _element_of(statement: str) -> tuple[str, str, str] | None:
    """Return container, key and value of an assignment to an element."""
    match = _ELEMENT.match(statement)
    if match is None:
        return None
    start, depth = match.end(), 1
    for position in range(start, len(statement)):
        depth += (statement[position] == "[") - (statement[position] == "]")
        if depth == 0:
            value = _SET.match(statement[position + 1 :])
            return (match[1], statement[start:position], value[1]) if value else None
    return None


def _stored_later(statement: str, lines: Sequence[str], index: int) -> Store | None:
    """Follow the name that *statement* gives its value through the rest of the function."""
    held = _FIELD.match(statement)
    defined = held or _DEFINES.match(statement)
    if defined is None:
        return None
    names = {defined[1]: False}
    # What holds the value in a field may have been stored before.
    for number in range(1 if held else index + 1, len(lines)):
        text = statement_at(lines, number)
        if number != index:
            if found := _stored_under(text, names, lines):
                return found
            _follow(text, names)
    return None


def _stored_under(text: str, names: dict[str, bool], lines: Sequence[str]) -> Store | None:
    for container, pattern in ((Container.FINALIZER, _FINALIZER), (Container.SIGNAL, _SIGNAL)):
        match = pattern.search(text)
        if match and match[1] in names:
            return Store(container=container, target=match[1], values=(match[1],))
    for found in _stores_of(text):
        parts = [part for value in found.values if (part := _refers(value.strip(), names)) is not None]
        if parts and _outlives_call(found.target, lines):
            return replace(found, is_part=all(parts))
    # A linked list of one's own: the new node refers to the old head, and becomes the head.
    for target, value in _assignments(text):
        if _refers(value, names) is None or not _outlives_call(target, lines):
            continue
        old = re.compile(rf"(?:\.\w+(?:, [\w.]+)?\s*=|\w+:)\s*{re.escape(target)}\b")
        if any(old.search(line) for line in lines):
            return Store(container=Container.LIST, target=target, values=(value,))
    return None


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Return targets and values of an assignment, of which there may be several in a statement."""
    left, equals, right = text.partition(" = ")
    targets, values = [part.strip() for part in _arguments(left)], [part.strip() for part in _arguments(right)]
    if equals and len(targets) == len(values):
        yield from (
            (target, value) for target, value in zip(targets, values, strict=True) if re.fullmatch(_PATH, target)
        )


def _follow(text: str, names: dict[str, bool]) -> None:
    """Add the name that *text* gives to something that refers to one of *names*."""
    match = _DEFINES.match(text) or _FIELD.match(text)
    if match and match[1] not in names:
        part = _refers(match[2], names)
        if part is not None:
            names[match[1]] = part


def _mentions(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\b", text) is not None


def _refers(expression: str, names: dict[str, bool]) -> bool | None:
    """Return whether *expression* is a part of a value of *names*, ``None`` if it does not refer to one."""
    for name, part in names.items():
        word = re.escape(name)
        if re.fullmatch(rf"&?{word}", expression):
            return part
        if re.fullmatch(rf"{word}\[[^\]]*:[^\]]*\]|{_SHARES}\({word}\b.*\)(?:\[[^\]]*\])?", expression):
            return True
        # A literal that holds it; a call may do anything with its argument.
        if _LITERAL.match(expression):
            inside = re.search(rf"[{{,:]\s*&?{word}(\[[^\]]*:[^\]]*\])?\s*[,}}]", expression)
            if inside:
                return part or inside[1] is not None
            if "func(" in expression and _mentions(name, expression):
                return part  # a function literal keeps all that it uses
    return None


def _is_returned(statement: str, lines: Sequence[str], index: int) -> bool:
    if _RETURNS.match(statement):
        return True
    defined = _DEFINES.match(statement)
    if defined is None:
        return False
    names = {defined[1]: False}
    for number in range(index + 1, len(lines)):
        text = statement_at(lines, number)
        returned = _RETURNS.match(text)
        if returned and any(_refers(part.strip(), names) is not None for part in _arguments(returned[1])):
            return True
        _follow(text, names)
    return False


def _arguments(text: str) -> Iterable[str]:
    depth, start = 0, 0
    for position, char in enumerate(text):
        depth += (char in "({[") - (char in ")}]")
        if char == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _outlives_call(target: str, lines: Sequence[str]) -> bool:
    """Whether *target* is a field of the receiver, a package's variable, or an element of one of these."""
    base, _, field = target.partition(".")
    receiver = _RECEIVER.match(lines[0])
    if receiver and receiver[1] == base:
        return bool(field)
    name = re.escape(base)
    signature = _BODY.split(lines[0], maxsplit=1)[0].partition("(")[2]
    if re.search(rf"\b{name}\b", signature):
        return False  # of a parameter it is not known how long it lives
    declared = re.compile(rf"\b{name}\b[\w\s,]*:=\s*(.*)|\bvar {name}\b|\bfunc\s*\([^)]*\b{name}\b[^)]*\)")
    for line in lines:
        match = declared.search(line)
        if match:
            source = re.match(rf"({_PATH})\[", match[1] or "")
            return bool(field) and source is not None and source[1] != base and _outlives_call(source[1], lines)
    return True
