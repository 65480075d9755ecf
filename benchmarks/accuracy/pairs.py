"""Third-party reality as cases: released modules with a documented leak, and the versions that mended it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.accuracy.cases import Case, Corpus, Truth
from tests.corpus.thirdparty import pairs

__all__ = ["CATEGORY", "build_pairs"]

CATEGORY = "third party"


def build_pairs() -> Corpus:
    """Build both programs of every pair, and return them as cases, each in a service of its own.

    Raises:
        subprocess.CalledProcessError: one can't be built.

    """
    built = [
        (_case(pair, variant), pairs.build(pair, variant)) for pair in pairs.load_pairs() for variant in pairs.VARIANTS
    ]
    return Corpus(
        cases=tuple(case for case, _ in built),
        targets={case.environment: _target(program) for case, program in built},
    )


def _case(pair: pairs.Pair, variant: pairs.Variant) -> Case:
    name = f"{variant}/{pair.name}"
    truth = Truth()
    if variant == "leaky":
        truth = Truth(
            leaks=True,
            bytes=pair.truth.bytes,
            objects=pair.truth.objects,
            goroutines=pair.truth.goroutines,
            function=pair.truth.function,
            also=pair.truth.also,
            causes=pair.truth.causes,
        )
    return Case(
        name=name,
        category=CATEGORY,
        environment=name,
        method=pair.method,
        path=pair.path,
        expect=pair.expect,
        truth=truth,
    )


def _target(program: Path) -> dict[str, object]:
    return {"command": [str(program), "-addr", "127.0.0.1:{port}"], "cwd": str(pairs.HERE), "ready": "/health"}
