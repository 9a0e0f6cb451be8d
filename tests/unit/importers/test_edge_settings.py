"""Where the older edge system wrote to, as its own settings say."""

import tomllib

import pytest

from sja_units.errors import ConfigError
from sja_units.importers.edge_settings import compose_sink, parse_env


@pytest.mark.parametrize(
    ("settings", "url", "bucket"),
    [
        ({"INFLUXDB_HOST": "db", "INFLUXDB_BUCKET": "b"}, "http://db:8086", "b"),
        ({"INFLUXDB_TOKEN": "made-up"}, "http://localhost:8086", "default"),
        ({"INFLUXDB_HOST": "db", "INFLUXDB_PORT": "8087"}, "http://db:8087", "default"),
        ({"INFLUXDB_HOST": "https://db.example"}, "https://db.example", "default"),
        ({"INFLUXDB_HOST": "", "INFLUXDB_ORG": "o"}, "http://localhost:8086", "default"),
    ],
)
def test_where_values_go_is_as_the_older_system_had_it(
    settings: dict[str, str], url: str, bucket: str
) -> None:
    sink = compose_sink(settings)
    assert sink is not None
    found = tomllib.loads(sink)["sink"]
    assert (found["url"], found["bucket"]) == (url, bucket)


def test_what_it_never_read_says_nothing() -> None:
    assert compose_sink({}) is None
    assert compose_sink({"INFLUXDB_URL": "http://db"}) is None
    with pytest.raises(ConfigError):
        compose_sink({"INFLUXDB_HOST": "a b"})


def test_its_env_file() -> None:
    text = """
    # INFLUXDB_HOST=no
    export INFLUXDB_HOST="db one" # a remark
    INFLUXDB_TOKEN='made#up=='
    INFLUXDB_ORG = plant # a remark
    INFLUXDB_BUCKET=edge#1
    nonsense
    """
    assert parse_env(text) == {
        "INFLUXDB_HOST": "db one",
        "INFLUXDB_TOKEN": "made#up==",
        "INFLUXDB_ORG": "plant",
        "INFLUXDB_BUCKET": "edge#1",
    }
