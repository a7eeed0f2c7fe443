from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import CHINA, derived_instant, from_millis, in_china, instant, millis, show


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-03-31T09:00:00+08:00", "2026-03-31T09:00:00+08:00"),
        ("2026-03-31T01:00:00Z", "2026-03-31T09:00:00+08:00"),
        ("2026-03-31t01:00:00z", "2026-03-31T09:00:00+08:00"),
        ("2026-03-30T20:00:00-05:00", "2026-03-31T09:00:00+08:00"),
        ("2026-03-31T09:00:00.5+08:00", "2026-03-31T09:00:00.500+08:00"),
        ("2026-03-31T09:00:00.0009999+08:00", "2026-03-31T09:00:00+08:00"),
        ("2026-03-31T09:00:00.123999999999+08:00", "2026-03-31T09:00:00.123+08:00"),
    ],
)
def test_an_instant_is_read_with_any_offset_and_shown_in_china_cut_to_milliseconds(text: str, shown: str) -> None:
    assert show(instant(text)) == shown
    assert instant(text).tzinfo is CHINA


@pytest.mark.parametrize(
    "text",
    [
        "2026-04-01T09:00:00",
        "2026-04-01",
        "2026-03-31 09:00:00+08:00",
        "20260331T090000+0800",
        "2026-W14-2T09:00:00+08:00",
        "2026-02-29T09:00:00+08:00",
        "2026-03-31T24:00:00+08:00",
        "2026-03-31T09:00:60+08:00",
        "2026-03-31T09:00+08:00",
        "2026-03-31T09:00:00+08:00\n",
        "٢٠٢٦-03-31T09:00:00+08:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "1899-12-31T23:59:59+08:00",
        "2200-01-01T00:00:00+08:00",
        "1774915200",
        "",
        "2026-03-31T09:00:00." + "1" * 100 + "+08:00",
    ],
)
def test_what_is_no_instant_with_an_offset_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"must|calendar") as refused:
        instant(text)
    assert not text or text not in str(refused.value)


def test_the_years_end_at_their_last_millisecond() -> None:
    assert show(instant("1900-01-01T00:00:00+08:00")).startswith("1900")
    assert show(instant("2199-12-31T23:59:59.999+08:00")).startswith("2199")


@given(st.integers(min_value=-2_208_988_800_000, max_value=7_258_089_599_999))
def test_milliseconds_and_text_say_the_same(value: int) -> None:
    at = from_millis(value)
    assert millis(at) == value
    assert instant(show(at)) == at
    assert at.tzinfo is CHINA


@given(st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_any_aware_datetime_keeps_its_instant(naive: datetime, minutes: int) -> None:
    at = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    cut = in_china(at)
    assert timedelta() <= at - cut < timedelta(milliseconds=1)
    assert millis(at) == millis(cut)
    assert instant(show(at)) == cut


def test_a_naive_datetime_is_a_bug() -> None:
    with pytest.raises(ValueError, match="aware"):
        show(datetime(2026, 3, 31))  # noqa: DTZ001


def test_before_the_epoch_milliseconds_are_cut_downwards_like_text() -> None:
    at = datetime(1969, 12, 31, 23, 59, 59, 999_500, tzinfo=UTC)
    assert millis(at) == -1
    assert show(at) == "1970-01-01T07:59:59.999+08:00"


def test_what_follows_from_the_last_dates_can_be_read_again() -> None:
    assert derived_instant("2200-01-04T00:00:00+08:00").year == 2200
    with pytest.raises(ValueError, match="1900 to 2299"):
        derived_instant("2300-01-01T00:00:00+08:00")
