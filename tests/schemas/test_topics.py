import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as of_kafka_python

from schemas import topics
from schemas.catalogue import PAYLOADS
from schemas.topics import BY_NAME, SOURCES, TOPICS, murmur2, named, partition_of


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_keys_are_hashed_as_the_java_client_does(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected & 0xFFFFFFFF


@given(st.binary(max_size=80), st.integers(1, 200))
def test_keys_are_placed_as_kafka_python_does(key: bytes, count: int) -> None:
    assert murmur2(key) == of_kafka_python(key) & 0xFFFFFFFF
    assert partition_of(key, count) == (of_kafka_python(key) & 0x7FFFFFFF) % count


def test_every_event_type_travels_on_a_source_topic() -> None:
    assert {f"reentry.{type_.split('.')[1]}.v1" for type_ in PAYLOADS} == set(SOURCES)


def test_sources_are_kept_ninety_days_and_stamped_by_the_broker() -> None:
    for name in SOURCES:
        config = BY_NAME[name].config()
        assert config["cleanup.policy"] == "delete"
        assert config["retention.ms"] == str(90 * 86_400_000)
        assert config["message.timestamp.type"] == "LogAppendTime"


def test_cases_and_alerts_are_compacted_and_never_deleted_by_age() -> None:
    for name in (topics.CASE, topics.ALERT):
        assert BY_NAME[name].config()["cleanup.policy"] == "compact"
        assert "retention.ms" not in BY_NAME[name].config()


def test_dead_letters_are_kept_a_year() -> None:
    assert BY_NAME[topics.DLQ].config()["retention.ms"] == str(365 * 86_400_000)


def test_all_keyed_topics_share_one_partition_count() -> None:
    assert {topic.name for topic in TOPICS if not topic.keyed} == {topics.PROGRESS}


def test_a_prefix_keeps_trials_apart() -> None:
    assert named("t1.", topics.RELEASE) == named("t1.", BY_NAME[topics.RELEASE]) == "t1.reentry.release.v1"
    assert named("", topics.RELEASE) == topics.RELEASE
