"""One request, as short as tests want it."""

from sja_units.config.job_file import parse
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.request import fetch
from sja_units.keepalive.response import NoResponse, SiteResponse


def config_of(url: str, more: str = "") -> KeepaliveConfig:
    settings = parse("keepalive", f'url = "{url}"\n{more}', "x").settings
    assert isinstance(settings, KeepaliveConfig)
    return settings


def answer_of(url: str, more: str = "") -> SiteResponse:
    answer = fetch(config_of(url, more), "")
    assert isinstance(answer, SiteResponse)
    return answer


def reason_of(url: str, more: str = "") -> str:
    """Return why there is no answer."""
    answer = fetch(config_of(url, more), "")
    assert isinstance(answer, NoResponse)
    return answer.reason
