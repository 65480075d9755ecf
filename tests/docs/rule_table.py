"""The table of rules in docs/reference/rules.md, made from the rules themselves.

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
    rows = [f"| {rule.id} | {rule.title} | {_cell(rule.look_for)} | {_link(rule)} |" for rule in all_rules()]
    return "\n".join(["| id | cause | look for | more |", "|---|---|---|---|", *rows]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;") if "`" not in text else text.replace("|", "\\|")


def _link(rule: Rule) -> str:
    return f"[Go]({rule.link})" if rule.link else ""


def write() -> None:
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}{table()}{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    write()
