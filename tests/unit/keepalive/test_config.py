import pytest

from sja_units.config.job_file import parse
from sja_units.errors import ConfigError
from sja_units.keepalive.config import KeepaliveConfig
from sja_units.url import parse_address


def read(text: str) -> KeepaliveConfig:
    settings = parse("keepalive", text, "x.toml").settings
    assert isinstance(settings, KeepaliveConfig)
    return settings


def test_defaults() -> None:
    config = read('url = "https://example.edu/me?x=1"')
    assert (config.interval, config.timeout) == (900, 10)
    assert config.alive.status == ()
    assert config.expired.status == (401, 403)
    assert config.expired.body_contains == config.expired.redirect_contains == ""
    assert config.login is None
    assert config.proxy is None
    assert config.host == "example.edu"


def test_an_interval_that_is_learned() -> None:
    assert read('url = "https://example.edu/"\ninterval = "auto"').auto
    assert not read('url = "https://example.edu/"').auto
    for wrong in ('"automatic"', "0", "true", '["auto"]'):
        with pytest.raises(ConfigError, match="interval"):
            read(f'url = "https://example.edu/"\ninterval = {wrong}')


@pytest.mark.parametrize("path", ["secrets", "/a b", "/a%b", "/a:b", "/a'b", '/a\\"b', "/a\\\\b"])
def test_a_path_that_a_drop_in_could_not_hold_is_refused(path: str) -> None:
    text = f'url = "https://example.edu/"\n[login]\ncommand = ["/x"]\nsecrets = "{path}"'
    with pytest.raises(ConfigError, match="secrets"):
        read(text)


def test_the_page_of_the_contract() -> None:
    config = read(
        """
url = "https://sports.example.edu/api/user/current"
interval = "15min"
timeout = "10s"
headers = { Referer = "https://sports.example.edu/pc/" }
proxy = ""
ca_file = ""
relaunch = true
[alive]
status = [200]
body_contains = "\\"username\\""
[expired]
status = [401, 403]
redirect_contains = "/login"
body_contains = "请登录"
[login]
command = ["/usr/local/bin/campus-login", "alice"]
timeout = "2min"
max_attempts = 3
[service]
MemoryMax = "64M"
"""
    )
    assert config.headers == (("Referer", "https://sports.example.edu/pc/"),)
    assert config.login is not None
    assert config.login.timeout == 120


@pytest.mark.parametrize(
    ("text", "site", "url"),
    [
        ("http://example.edu", "example.edu", "http://example.edu/"),
        ("https://EXAMPLE.edu:8443/a?b=c#d", "example.edu:8443", "https://example.edu:8443/a?b=c"),
        ("https://example.edu?x=/", "example.edu", "https://example.edu/?x=/"),
        ("http://[2001:db8::1]:80/x", "[2001:db8::1]", "http://[2001:db8::1]/x"),
        ("http://pc/首页", "pc", "http://pc/首页"),
    ],
)
def test_addresses(text: str, site: str, url: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert (address.site, address.url) == (site, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.edu",
        "file:///etc/passwd",
        "ftp://example.edu/",
        "https://",
        "https:///path",
        "https://user:made-up@example.edu/",
        "https://user@example.edu/",
        "https://example.edu:0/",
        "https://example.edu:70000/",
        "https://example.edu:x/",
        "https://a b/",
        "https://example.edu/a b",
        "https://example..edu/",
        "https://-x.example.edu/",
        "https://海天.example/",
        "https://example.edu\\\\@192.0.2.1/",
        "https://example.edu/\\nHost: x",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ConfigError, match="url"):
        read(f'url = "{url}"')


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('headers = { Cookie = "a=b" }', "Cookie"),
        ('headers = { host = "x" }', "host"),
        ('headers = { "X Y" = "x" }', "X Y"),
        ('headers = { X = "a\\nSet: b" }', "X"),
        ('headers = { X = "预订" }', "X"),
        ("headers = { X = 1 }", "X"),
        ('proxy = "https://proxy.example.edu"', "proxy"),
        ('proxy = "http://proxy.example.edu/path"', "proxy"),
        ('ca_file = "ca.pem"', "ca_file"),
        ('timeout = "61s"', "timeout"),
        ('interval = "500ms"', "interval"),
        ('interval = "31d"', "interval"),
        ("[alive]\nstatus = [503]", "status"),
        ("[expired]\nstatus = [429]", "status"),
        ("[expired]\nstatus = 401", "status"),
        ("[alive]\njson = { a = [1] }", "json"),
        ("[expired]\ncookies = ['a']", "cookies"),
        ("[login]", "command"),
        ("[login]\ncommand = []", "command"),
        ('[login]\ncommand = ["campus-login"]', "command"),
        ('[login]\ncommand = ["/bin/login"]\nmax_attempts = 0', "max_attempts"),
    ],
)
def test_faults_name_their_key(line: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        read(f'url = "https://example.edu/"\n{line}')


def test_a_faulty_address_is_not_shown_with_its_password() -> None:
    with pytest.raises(ConfigError) as fault:
        read('url = "https://user:made-up@example.edu/"')
    assert "made-up" not in str(fault.value)
