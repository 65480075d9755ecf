"""Templates of requests: ``{uuid}``, ``{n}``, ``{choice:a,b}`` and ``{random:1,5000}``, expanded per request.

Every other brace is literal, so that JSON bodies need no escaping. A template is parsed once, compiled once per job
into literal pieces and generators, and costs nothing per request where it has no placeholder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

__all__ = ["Expand", "Placeholder", "Template", "parse_template"]

Expand = Callable[[int], str]
"""Gives the text for the request with this number."""

_PLACEHOLDER = re.compile(r"\{(?:(?P<kind>uuid|n)|(?P<call>choice|random):(?P<argument>[^{}]*))\}")

# What an expansion may contribute to a URL as it is; `?`, `#`, `&`, `=`, `+`, `%` would change the URL's structure.
_SAFE_IN_EXPANSION = "/:@,~"
# What the user's own text may contain in a URL: all of RFC 3986's reserved characters and what is quoted already.
_SAFE_IN_LITERAL = "/:@,~?#[]!$&'()*+;=%"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder of a template, its argument checked."""

    kind: str
    """``uuid``, ``n``, ``choice`` or ``random``."""
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0

    def generator(self, random: Random, *, url: bool) -> Expand:
        """Return a function that gives the placeholder's text for a request number."""
        match self.kind:
            case "n":
                return str
            case "uuid":
                bits = random.getrandbits
                return lambda _number: _format_uuid(bits(128))
            case "random":
                randint, low, high = random.randint, self.low, self.high
                return lambda _number: str(randint(low, high))
            case _:
                choose = random.choice
                choices = tuple(quote(text, safe=_SAFE_IN_EXPANSION) for text in self.choices) if url else self.choices
                return lambda _number: choose(choices)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: literal text around placeholders."""

    literals: tuple[str, ...]
    """One more than there are placeholders."""
    placeholders: tuple[Placeholder, ...] = ()

    @property
    def is_constant(self) -> bool:
        """Whether it gives the same text for every request."""
        return not self.placeholders

    def compile(self, random: Random, *, url: bool = False) -> Expand:
        """Return a function that expands the template for a request number.

        Args:
            random: Where choices, numbers and uuids come from.
            url: The text is part of a URL: expansions are quoted, and of the literal text what no URL may contain.

        """
        literals = [quote(text, safe=_SAFE_IN_LITERAL) for text in self.literals] if url else list(self.literals)
        if self.is_constant:
            text = literals[0]
            return lambda _number: text
        # `%` with a tuple is the fastest way to join a few strings at known places.
        pattern = "%s".join(literal.replace("%", "%%") for literal in literals)
        generators = [placeholder.generator(random, url=url) for placeholder in self.placeholders]
        if len(generators) == 1:
            only = generators[0]
            return lambda number: pattern % (only(number),)
        return lambda number: pattern % tuple([generate(number) for generate in generators])


def parse_template(text: str) -> Template:
    """Parse *text*.

    Raises:
        ValueError: a placeholder's argument makes no sense, such as ``{random:5,1}`` or ``{choice:}``.

    """
    literals: list[str] = []
    placeholders: list[Placeholder] = []
    end = 0
    for match in _PLACEHOLDER.finditer(text):
        literals.append(text[end : match.start()])
        placeholders.append(_placeholder(match))
        end = match.end()
    literals.append(text[end:])
    return Template(tuple(literals), tuple(placeholders))


def _placeholder(match: re.Match[str]) -> Placeholder:
    argument = match["argument"]
    match match["call"]:
        case "choice":
            choices = tuple(argument.split(","))
            if not any(choices):
                raise ValueError(f"{match[0]} has nothing to choose from; expected for example {{choice:a,b}}")
            return Placeholder("choice", choices=choices)
        case "random":
            low, high = _bounds(match[0], argument)
            return Placeholder("random", low=low, high=high)
        case _:
            return Placeholder(match["kind"])


def _bounds(placeholder: str, argument: str) -> tuple[int, int]:
    expected = "expected two whole numbers, the smaller one first, for example {random:1,5000}"
    try:
        low, high = (int(number) for number in argument.split(","))
    except ValueError:
        raise ValueError(f"{placeholder} is not a range; {expected}") from None
    if low > high:
        raise ValueError(f"{placeholder} is an empty range, {low} is larger than {high}; {expected}")
    return low, high


def _format_uuid(bits: int) -> str:
    # What str(uuid.UUID(int=bits, version=4)) gives, in a third of the time.
    digits = f"{bits & ~(0xF000 << 64 | 0xC000 << 48) | 4 << 76 | 8 << 60:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
