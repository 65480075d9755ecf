"""Third-party pairs as cases."""

from benchmarks.accuracy import pairs as accuracy_pairs
from benchmarks.accuracy.cases import holds_for, joined, plan_of
from tests.corpus.thirdparty.pairs import Pair, Truth

PAIR = Pair(
    name="some-module", module="example.com/some", leaky="v1.0.0", fixed="v1.0.1", source="https://example.com",
    what="keeps", path="/x/{n}", method="GET", expect=("409",),
    truth=Truth(bytes=64, objects=1, goroutines=0, function="example.com/some.Keep", causes=("GL060",)),
)  # fmt: skip


def test_a_pair_is_a_leaking_and_a_clean_case(monkeypatch, tmp_path):
    monkeypatch.setattr(accuracy_pairs.pairs, "load_pairs", lambda: (PAIR,))
    monkeypatch.setattr(accuracy_pairs.pairs, "build", lambda pair, variant: tmp_path / f"{pair.name}-{variant}")

    corpus = accuracy_pairs.build_pairs()

    leaky, fixed = corpus.cases
    assert (leaky.name, leaky.truth.leaks, leaky.truth.bytes) == ("leaky/some-module", True, 64)
    assert (leaky.truth.function, leaky.truth.causes) == ("example.com/some.Keep", ("GL060",))
    assert (fixed.name, fixed.truth.leaks, fixed.category) == ("fixed/some-module", False, "third party")
    plan = plan_of(corpus.targets[fixed.environment], [fixed], concurrency=16, seed=1)
    assert plan.target.command == (str(tmp_path / "some-module-fixed"), "-addr", "127.0.0.1:{port}")
    assert plan.endpoints[0].expect == ("409",)
    assert joined(corpus, corpus).targets == corpus.targets
    assert holds_for("go1.21.13", fixed.versions)
