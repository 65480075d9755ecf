from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.model.errors import MalformedProfileError
from pytest_goleak.pprof import profile_pb2 as wire
from pytest_goleak.pprof.encode import encode
from pytest_goleak.pprof.parse import decompress, parse
from pytest_goleak.pprof.profile import ValueType
from tests.pprof.go_pprof import go_pprof
from tests.pprof.golden_files import VERSIONS, content, profile

HEAP = content("go1.26", "heap_after.pb.gz")


def message() -> wire.Profile:
    return wire.Profile(
        sample_type=[wire.ValueType(type=1, unit=2)],
        sample=[wire.Sample(location_id=[10, 7], value=[3], label=[wire.Label(key=3, str=4), wire.Label(key=3)])],
        location=[
            wire.Location(id=7, mapping_id=9, line=[wire.Line(function_id=2**63, line=5)]),
            wire.Location(id=10, address=2**64 - 1),
        ],
        function=[wire.Function(id=2**63, name=5, filename=6)],
        string_table=[b"", b"inuse_space", b"bytes", b"user", b"\xff", b"main.main", b"main.go"],
    )


def test_a_message_becomes_columns() -> None:
    parsed = parse(message().SerializeToString())
    assert parsed.value_types == (ValueType("inuse_space", "bytes"),)
    assert parsed.column("inuse_space").tolist() == [3]
    assert parsed.stacks.row(0).tolist() == [1, 0]
    frames = parsed.frames()
    assert [str(frame) for frame in frames[0]] == ["main.main main.go:5"]
    assert [frame.function for frame in frames[1]] == ["0xffffffffffffffff"]
    # The mapping is not there, which pprof forgives; a label without a value is none.
    assert parsed.locations.mappings.tolist() == [-1, -1]
    assert parsed.labels.text_of(0) == (("user", "\\xff"),)


@pytest.mark.parametrize("version", VERSIONS)
def test_real_profiles_survive_a_round_trip(version: str) -> None:
    for name in ("heap_before.pb.gz", "heap_after.pb.gz", "goroutine_after.pb.gz"):
        parsed = profile(version, name)
        assert parse(encode(parsed)) == parsed


def test_the_values_and_stacks_are_those_of_the_raw_listing(tmp_path: Path) -> None:
    path = tmp_path / "heap.pb.gz"
    path.write_bytes(HEAP)
    raw = go_pprof("-raw", path).split("Samples:\n")[1].split("Locations\n")[0]
    listed = [line.split(":") for line in raw.splitlines()[1:] if not line.lstrip().startswith("bytes:")]
    parsed = parse(HEAP)
    assert [list(map(int, values.split())) for values, _ in listed] == parsed.values.tolist()
    assert [list(map(int, stack.split())) for _, stack in listed] == [
        (parsed.stacks.row(sample) + 1).tolist() for sample in range(len(parsed))
    ]


def test_several_gzip_members_are_one_profile() -> None:
    raw = gzip.decompress(HEAP)
    assert parse(gzip.compress(raw[:100]) + gzip.compress(raw[100:])) == parse(HEAP)


@pytest.mark.parametrize("kept", [3, 30, len(HEAP) // 2, len(HEAP) - 1])
def test_truncated_gzip_is_named(kept: int) -> None:
    with pytest.raises(MalformedProfileError, match="cut off"):
        parse(HEAP[:kept])


def test_damaged_gzip_is_named() -> None:
    damaged = bytearray(HEAP)
    damaged[-5] ^= 0xFF
    with pytest.raises(MalformedProfileError, match="damaged"):
        parse(bytes(damaged))


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    assert len(bomb) < 100_000
    with pytest.raises(MalformedProfileError, match="larger than 1 MiB once decompressed"):
        parse(bomb, max_bytes=1024 * 1024)
    # Neither one large member nor many small ones.
    with pytest.raises(MalformedProfileError, match="larger than 1 MiB"):
        parse(gzip.compress(bytes(1000)) * 2000, max_bytes=1024 * 1024)
    with pytest.raises(MalformedProfileError, match="larger than 10 B"):
        parse(bytes(11), max_bytes=10)


def test_the_limit_itself_is_allowed() -> None:
    assert decompress(gzip.compress(bytes(1000)), max_bytes=1000) == bytes(1000)


@pytest.mark.parametrize(
    ("given_content", "expected"),
    [
        (b"", "the profile is empty"),
        (b"<!DOCTYPE html><html>404</html>", r"HTML or XML \('<!DOCTYPE html.*is the URL that of a pprof endpoint"),
        (gzip.compress(b"\n <html>login</html>", mtime=0), "HTML or XML"),
        (b"404 page not found\n", r"text \('404 page not found'\)"),
        (b"goroutine profile: total 5\n3 @ 0x1\n", "ask for it without 'debug='"),
        (b"goroutine 1 [running]:\n", "ask for it without 'debug='"),
        (b"\x00\x01\x02\x03", "4 bytes of binary data"),
        (b"   \n", "an empty answer"),
        (gzip.compress(HEAP, mtime=0), "gzipped data"),
        (b'{"error": "no"}', "text"),
    ],
)
def test_what_is_no_profile_is_called_what_it_is(given_content: bytes, expected: str) -> None:
    with pytest.raises(MalformedProfileError, match=expected):
        parse(given_content)


def add_value(broken: wire.Profile) -> None:
    broken.sample[0].value.append(1)


def change(path: str, value: int) -> Callable[[wire.Profile], None]:
    table, field = path.split(".")

    def apply(broken: wire.Profile) -> None:
        setattr(getattr(broken, table)[0], field, value)

    return apply


def repeat(table: str) -> Callable[[wire.Profile], None]:
    def apply(broken: wire.Profile) -> None:
        rows = getattr(broken, table)
        rows.add().CopyFrom(rows[0])

    return apply


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (add_value, "sample 0 has 2 values, expected 1"),
        (change("function.id", 0), "a function has the reserved id 0"),
        (change("location.id", 0), "a location has the reserved id 0"),
        (change("location.id", 8), "a sample refers to location 7, which is not in the profile"),
        (change("function.id", 4), "a location refers to function 9223372036854775808"),
        (repeat("location"), "several locations have the id 7"),
        (repeat("function"), "several functions have the id 9223372036854775808"),
        (change("function.name", 7), "it refers to string 7 of 7"),
        (change("function.filename", -1), "it refers to string -1 of 7"),
        (lambda broken: setattr(broken, "default_sample_type", 70), "it refers to string 70 of 7"),
        (lambda broken: setattr(broken.sample[0].label[0], "str", 70), "it refers to string 70 of 7"),
        (lambda broken: broken.mapping.add(), "a mapping has the reserved id 0"),
        (lambda broken: broken.ClearField("sample_type"), "no sample types"),
    ],
)
def test_inconsistent_profiles_are_refused(damage: Callable[[wire.Profile], None], expected: str) -> None:
    broken = message()
    parse(broken.SerializeToString())
    damage(broken)
    with pytest.raises(MalformedProfileError, match=expected):
        parse(broken.SerializeToString())


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(anything: bytes) -> None:
    try:
        parse(anything)
    except MalformedProfileError as error:
        assert str(error)  # noqa: PT017 - most bytes are refused, some are a profile


@given(st.integers(0, len(HEAP) - 1), st.integers(0, 7))
def test_one_wrong_bit_does_no_harm(position: int, bit: int) -> None:
    raw = bytearray(gzip.decompress(HEAP))
    raw[position % len(raw)] ^= 1 << bit
    try:
        parse(bytes(raw))
    except MalformedProfileError as error:
        assert str(error)  # noqa: PT017 - a wrong bit in a number leaves a profile that is one


def test_an_unknown_value_type_lists_those_there_are() -> None:
    heap = parse(HEAP)
    assert heap.value_index() == 3
    with pytest.raises(MalformedProfileError, match="it has alloc_objects, alloc_space, inuse_objects, inuse_space"):
        heap.column("goroutine")
