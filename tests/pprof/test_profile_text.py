from __future__ import annotations

import gzip
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.model.errors import MalformedProfileError
from pytest_goleak.model.profile import Frame
from pytest_goleak.pprof.dump import Ancestor, Goroutine, parse_dump
from pytest_goleak.pprof.goroutine import count_goroutines
from pytest_goleak.pprof.group import goroutine_counts
from pytest_goleak.pprof.text import describe, parse_heap, parse_memstats
from tests.pprof.golden_files import VERSIONS, content, profile


def heap_text(version: str) -> bytes:
    return gzip.decompress(content(version, "heap.txt.gz"))


@pytest.mark.parametrize("version", VERSIONS)
def test_memstats_are_the_trailer_of_the_heap_text(version: str) -> None:
    text = heap_text(version)
    stats = parse_memstats(text)
    trailer = dict(
        line[2:].split(" = ") for line in text.decode().split("# runtime.MemStats\n")[1].splitlines() if " = " in line
    )
    assert stats.heap_alloc == int(trailer["HeapAlloc"]) > 100_000
    assert stats.heap_objects == int(trailer["HeapObjects"]) > 1000
    assert stats.total_alloc == int(trailer["TotalAlloc"]) >= stats.heap_alloc
    assert stats.num_gc == int(trailer["NumGC"]) > 0
    assert stats.sys == int(trailer["Sys"]) > stats.heap_sys == int(trailer["HeapSys"]) >= stats.heap_inuse > 0
    assert stats.extra["Mallocs"] - stats.extra["Frees"] == stats.heap_objects
    assert f"{stats.extra['StackInuse']} / {stats.extra['StackSys']}" == trailer["Stack"]


def test_memstats_that_were_cut_off_are_refused() -> None:
    text = heap_text("go1.26")
    whole = text.index(b"# NumGC = ")
    for end in (whole, whole + len(b"# NumGC = "), whole + len(b"# NumGC = ") + 1):
        with pytest.raises(MalformedProfileError, match=r"no NumGC.*cut off"):
            parse_memstats(text[:end])
    with pytest.raises(MalformedProfileError, match=r"no '# runtime.MemStats' in text \('heap profile"):
        parse_memstats(text[:1000])
    with pytest.raises(MalformedProfileError, match="HTML"):
        parse_memstats(b"<html></html>")


@pytest.mark.parametrize("version", VERSIONS)
def test_heap_text_and_protobuf_agree(version: str) -> None:
    text, heap = parse_heap(heap_text(version)), profile(version, "heap_after.pb.gz")
    assert text.rate == heap.period == 4096
    # The text was asked for a moment later and has raw counts; the cache did not change in between.
    in_text = [
        record for record in text.records if any(frame.function.endswith("store.entry") for frame in record.frames)
    ]
    assert sum(record.inuse_bytes for record in in_text) > 50_000
    assert all(record.inuse_bytes <= record.alloc_bytes and record.addresses for record in text.records)
    leaf = in_text[0].frames[0]
    assert (leaf.file, leaf.line) == ("example.com/golden/store/store.go", 24)


@pytest.mark.parametrize("version", VERSIONS)
def test_goroutines_are_counted_as_in_the_protobuf_form(version: str) -> None:
    own, others = 1, sum(goroutine_counts(profile(version, "goroutine_after.pb.gz")).values())
    text = content(version, "goroutine.txt")
    assert text.startswith(b"goroutine profile: total %d\n" % (others + own))
    assert count_goroutines(text) == others


def test_stacks_without_symbols_and_with_labels_count() -> None:
    text = b"""goroutine profile: total 8
5 @ 0x1 0x2
# labels: {"path":"\\tnet/http/pprof."}

3 @ 0x3
#\t0x1a\tmain.work+0x2\t\t/app/main.go:7

"""
    assert count_goroutines(text) == 8


def test_counts_that_were_cut_off_are_refused() -> None:
    text = content("go1.26", "goroutine.txt")
    with pytest.raises(MalformedProfileError, match=r"says 36 and lists \d+: the answer was cut off"):
        count_goroutines(text[: len(text) // 2])


@pytest.mark.parametrize("read", [count_goroutines, parse_heap, parse_dump, parse_memstats])
@pytest.mark.parametrize("other", [b"", b"404 page not found\n", b"\x1f\x8b\x08\x00", b"<html>", b"\xff\xfe\x00"])
def test_other_content_is_refused_by_name(read, other: bytes) -> None:
    with pytest.raises(MalformedProfileError, match="expected") as error:
        read(other)
    assert describe(other) in str(error.value)


def test_one_text_is_not_taken_for_another() -> None:
    with pytest.raises(MalformedProfileError, match="expected 'goroutine 1"):
        parse_dump(content("go1.26", "goroutine.txt"))
    with pytest.raises(MalformedProfileError, match="expected 'goroutine profile"):
        count_goroutines(content("go1.26", "goroutine_dump.txt"))
    with pytest.raises(MalformedProfileError, match="expected 'goroutine profile"):
        count_goroutines(content("go1.27", "goroutineleak.txt"))
    with pytest.raises(MalformedProfileError, match="says 1 and lists 0"):
        count_goroutines(b"goroutine profile: total 1\nnonsense\n")
    with pytest.raises(MalformedProfileError, match=r"expected '1: 512"):
        parse_heap(b"heap profile: 0: 0 [0: 0] @ heap/1\nnonsense\n" + heap_text("go1.26")[-4000:])
    with pytest.raises(MalformedProfileError, match="expected 'heap profile"):
        parse_heap(b"oops\n" + heap_text("go1.26"))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_dump_lists_every_goroutine(version: str) -> None:
    dump = parse_dump(content(version, "goroutine_dump.txt"))
    assert not dump.is_truncated
    assert len(dump.goroutines) == int(content(version, "goroutine.txt").split()[3])
    senders = [each for each in dump.goroutines if each.frames[:1] and each.frames[0].function == "main.sender"]
    assert [each.state for each in senders].count("chan send") == 7
    assert [each.state for each in senders].count("chan send (nil chan)") == 1
    assert {(each.created_by.function, each.created_by.file) for each in senders if each.created_by} == {
        ("main.block", "example.com/golden/main.go")
    }
    assert {each.created_by_goroutine for each in senders} == {1}
    assert [each.frames[-1].function for each in dump.goroutines if each.locked_to_thread] == ["main.locked"]
    assert [(each.elided, len(each.frames)) for each in dump.goroutines if each.elided] == [(31, 100)]
    assert not any(each.is_leaked for each in dump.goroutines)


def test_leaked_goroutines_are_marked() -> None:
    dump = parse_dump(content("go1.27", "goroutineleak_dump.txt"))
    leaked = [each for each in dump.goroutines if each.is_leaked]
    assert len(leaked) == 27
    assert {each.state for each in leaked} >= {"chan send", "chan receive (nil chan)", "sync.Cond.Wait"}


DUMP = b"""\
goroutine 7 gp=0xc0001 m=nil mp=0x1 [chan send (scan), 12 minutes, locked to thread] {user: 7, "a b": "c: d"}:
main.(*T[...]).send(0xc000, {0x1, 0x2})
\tC:/src/my app/main.go:41 +0x2a fp=0x1 sp=0x2 pc=0x3
panic({0x1?, 0x2?})
\t/go/src/runtime/panic.go:914 +0x21f
non-Go function at pc=1234
...23 frames elided...
main.main.func1.2(...)
\tC:/src/my app/main.go:12
created by main.main.func1 in goroutine 3
\tC:/src/my app/main.go:10 +0x1
[originating from goroutine 3]:
main.main.func1(...)
\tC:/src/my app/main.go:9 +0x4
...additional frames elided...
created by main.main
\tC:/src/my app/main.go:8 +0x1
[originating from goroutine 1]:
main.main(...)
\tC:/src/my app/main.go:8 +0x1

goroutine 9 [running]:
\tgoroutine running on other thread; stack unavailable
created by main.main
\tmain.go:3 +0x1
"""


def test_a_dump_with_everything_in_it() -> None:
    first, second = parse_dump(DUMP).goroutines
    file = "C:/src/my app/main.go"
    assert first == Goroutine(
        id=7,
        state="chan send",
        wait_minutes=12,
        locked_to_thread=True,
        frames=(
            Frame("main.(*T[...]).send", file, 41),
            Frame("panic", "/go/src/runtime/panic.go", 914),
            Frame("main.main.func1.2", file, 12),
        ),
        elided=23,
        created_by=Frame("main.main.func1", file, 10),
        created_by_goroutine=3,
        ancestors=(
            Ancestor(id=3, frames=(Frame("main.main.func1", file, 9),), created_by=Frame("main.main", file, 8)),
            Ancestor(id=1, frames=(Frame("main.main", file, 8),)),
        ),
        labels=(("a b", "c: d"), ("user", "7")),
    )
    assert second == Goroutine(id=9, state="running", created_by=Frame("main.main", "main.go", 3))


@given(st.integers(min_value=60, max_value=len(content("go1.26", "goroutine_dump.txt")) - 2))
def test_a_dump_cut_anywhere_keeps_the_whole_goroutines(end: int) -> None:
    text = content("go1.26", "goroutine_dump.txt")
    whole, cut = parse_dump(text).goroutines, parse_dump(text[:end])
    complete = text[:end].count(b"\n\n")
    assert len(cut.goroutines) in {complete, complete + 1}
    assert cut.goroutines[:complete] == whole[:complete]
    # A dump that ends with a whole line may have lost only the lines that follow it.
    if text[end - 1 : end] != b"\n":
        assert cut.is_truncated
        assert len(cut.goroutines) == complete


def test_a_dump_with_rubbish_in_its_middle_is_refused() -> None:
    with pytest.raises(MalformedProfileError, match="expected a goroutine's header"):
        parse_dump(DUMP.replace(b"\n\ngoroutine 9", b"\n\nproxy error\n\ngoroutine 9"))


def test_the_text_forms_need_no_numpy() -> None:
    modules = ", ".join(f"pytest_goleak.pprof.{name}" for name in ("text", "goroutine", "dump"))
    program = f"import sys, {modules}; print('numpy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
