import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_goleak.model.units import format_bytes, format_count, format_seconds, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("500ms", 0.5), ("1m30s", 90), ("2h", 7200), ("1.5s", 1.5), (7, 7), ("7", 7)]
)
def test_durations(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "30 parsecs", "-3s", "0s", "s", "inf", "nan", "3s4"])
def test_bad_durations_are_named(text):
    with pytest.raises(ValueError, match="is not a duration; expected"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [("256MiB", 2**28), ("64 kB", 64_000), (1024, 1024), ("1 GiB", 2**30)])
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "big", "-1", "0", "3 XB"])
def test_bad_sizes_are_named(text):
    with pytest.raises(ValueError, match="is not a size; expected"):
        parse_size(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (256, "256 B"), (1946, "1.9 KiB"), (-2048, "-2 KiB"), (2**20, "1 MiB"), (3.14159, "3.14 B")],
)
def test_bytes_are_written_for_readers(count, text):
    assert format_bytes(count) == text


@given(st.floats(min_value=-(2.0**70), max_value=2.0**70, allow_nan=False))
def test_every_size_can_be_written(count):
    assert format_bytes(count).endswith("B")
    assert format_count(count)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0034, "3 ms"), (0.0, "0.0 s"), (0.42, "0.4 s"), (12.3, "12 s"), (125, "2 min 5 s"), (120, "2 min")],
)
def test_seconds(seconds, text):
    assert format_seconds(seconds) == text
