import pytest

from sja_units.errors import UsageError
from sja_units.job import Job, check_name, make_job, parse_unit

BAD_NAMES = [
    "", ".", "..", "../x", "a/b", "/etc/x", "-x", "--help", "_x", "A", "Alice", "é", "1号线",
    "a b", "a\n", "a\0", "a@b", "a.service", "a;b", "a$b", "%n", "*", "a?", "[a]", '"a"', "a" * 24,
    "a" * 250, "\N{CYRILLIC SMALL LETTER A}",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_would_need_escaping_are_refused(name: str) -> None:
    with pytest.raises(UsageError) as fault:
        check_name(name)
    assert fault.value.status == 2
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("name", ["a", "0", "line-1", "a_b", "a" * 23, "0-", "a--b"])
def test_names_that_a_unit_can_carry(name: str) -> None:
    job = make_job("keepalive", name)
    assert parse_unit(job.unit) == job


@pytest.mark.parametrize(
    "unit",
    [
        "sja-keepalive@.service",
        "sja-keepalive@..service",
        "sja-keepalive@A.service",
        "sja-other@a.service",
        "sja-keepalive@a.socket",
        "xsja-keepalive@a.service",
        "sja-keepalive@a\n.service",
        "sja-relaunch.service",
    ],
)
def test_units_that_are_not_jobs(unit: str) -> None:
    assert parse_unit(unit) is None


def test_where_things_are() -> None:
    job = Job("acquisition", "line1")
    assert str(job) == "acquisition/line1"
    assert job.unit == "sja-acquisition@line1.service"
    assert job.config_path == "/etc/sja-units/acquisition/line1.toml"
    assert job.wanted_path == "/var/lib/sja-units/wanted/sja-acquisition@line1.service"
    assert job.run_dir == "/run/sja-units/acquisition/line1"
