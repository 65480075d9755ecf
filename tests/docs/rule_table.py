"""The rules in docs/reference/rules.md, made from the rules themselves: a table, then each with all that it says.

``python -m tests.docs.rule_table`` writes it.
"""

from __future__ import annotations

from pathlib import Path

from pytest_goleak.findings import hints
from pytest_goleak.findings.hints import Rule
from pytest_goleak.findings.hints.fallback import GOROUTINE, HEAP, LIBRARY_HEAP

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"
BEGIN = "<!-- generated from pytest_goleak.findings.hints: python -m tests.docs.rule_table -->\n"
END = "<!-- end of the generated part -->\n"


def all_rules() -> list[Rule]:
    rules = (*hints.RULES, hints.CONSEQUENCE, GOROUTINE, HEAP, LIBRARY_HEAP)
    return sorted(rules, key=lambda rule: rule.id)


def table() -> str:
    rows = [f"| [{rule.id}](#{rule.id.lower()}) | {_plain(rule.title)} | {_also(rule)} |" for rule in all_rules()]
    return "\n".join(["| id | cause | a kind of |", "|---|---|---|", *rows, "", *map(_section, all_rules())])


def _also(rule: Rule) -> str:
    return ", ".join(rule.refines)


def _section(rule: Rule) -> str:
    parts = [
        f"## {rule.id}",
        f"**{rule.title[0].upper()}{_plain(rule.title[1:])}.** {_plain(rule.why)}",
        f"Look for {_plain(rule.look_for)}",
    ]
    if rule.fix:
        parts.append(f"```go\n{rule.fix}\n```")
    if rule.link:
        parts.append(f"More: <{rule.link}>")
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    return text if "`" in text else text.replace("<", "&lt;")


def write() -> None:
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}{table()}{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    write()
