"""Settings of a job's file, in the type of its kind."""

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.config.job_file import parse
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.kinds import as_acquisition, as_keepalive


def parse_keepalive(text: str) -> KeepaliveConfig:
    settings = as_keepalive(parse("keepalive", text, "x").settings)
    assert settings is not None
    return settings


def parse_acquisition(text: str) -> AcquisitionConfig:
    settings = as_acquisition(parse("acquisition", text, "x").settings)
    assert settings is not None
    return settings
