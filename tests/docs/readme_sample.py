"""The sample output of the README, and the run that it is taken from.

``python -m tests.docs.readme_sample REPORT.json`` takes the report that ``--goleak-json`` wrote in ``examples/service``,
keeps of it what the README shows, with shortened paths, and puts it there. Without an argument it renders the kept run anew.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from pytest_goleak.model.plan import Tolerance
from pytest_goleak.report import terminal
from pytest_goleak.report.jsondoc import from_dict

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).with_name("readme_run.json")
README = ROOT / "README.md"
SHOWN = "GET /leak/channel"
"""The endpoint whose failure is shown."""
LEFT_OUT = "…"
LAST_OF_FAILURE = "       go func() { results <- work() }()"
"""The failure is shown up to here."""

_BLOCK = re.compile(r"(?<=^```text\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def printed(document: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the lines of the shown failure, and those of the summary, as the terminal has them."""
    run = from_dict(document)
    [shown] = [each for each in run.endpoints if each.name == SHOWN]
    failure = terminal.render_endpoint(shown, tolerance=Tolerance()).split("\n")
    return failure, [line for line, _ in terminal.summary(run)]


def sample(document: dict[str, Any]) -> str:
    """Return what the README shows of the run."""
    failure, summary = printed(document)
    end = failure.index(LAST_OF_FAILURE) + 1
    return "\n".join([*failure[:end], LEFT_OUT, *summary]) + "\n"


def shortened(report: str, service: Path) -> dict[str, Any]:
    """Return *report* with the directory *service* named as a developer's, less what the README does not show."""
    text = report.replace(f"{service}/.goleak", ".goleak").replace(str(service), "/home/dev/service")
    document: dict[str, Any] = json.loads(text)
    for endpoint in document["endpoints"]:
        if endpoint["name"] != SHOWN:
            endpoint["findings"] = endpoint["findings"][:1]
            endpoint.pop("series", None)
        endpoint["reproduce"], endpoint["artifacts"] = [], {}
    return document


def main(argv: list[str]) -> None:
    """Take over the report, if one is named, and show it."""
    if argv:
        document = shortened(Path(argv[0]).read_text(encoding="utf-8"), _service_of(argv))
        KEPT.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = sample(json.loads(KEPT.read_text(encoding="utf-8")))
    README.write_text(_BLOCK.sub(lambda _: text, README.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    sys.stdout.write(text)


def _service_of(argv: list[str]) -> Path:
    return Path(argv[1]).resolve() if len(argv) > 1 else ROOT / "examples" / "service"


if __name__ == "__main__":
    main(sys.argv[1:])
