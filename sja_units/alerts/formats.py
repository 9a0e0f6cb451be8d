"""What a webhook's service takes, and how it says no. Pure.

Sources: docs.ntfy.sh/publish, api.slack.com/messaging/webhooks, discord.com/developers/docs,
open.dingtalk.com (custom robots), developer.work.weixin.qq.com (group robots), open.feishu.cn
(custom bots).
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from sja_units.config.host import Format
from sja_units.url import Address

Document = Mapping[str, Any]

_MARKS = {"recovered": "✅", "test": "🔔"}
_URGENT = ("failed", "expired")
_MOST_BYTES = 1900  # the least that one of them takes is 2,000 characters, or 2,048 bytes


class Message(NamedTuple):
    """An event in words for people."""

    title: str
    text: str


def describe(document: Document) -> Message:
    """Return an event in words: which job of which host, what happened, and what to do."""
    event, job = str(document["event"]), str(document.get("job", ""))
    mark = _MARKS.get(event, "🔴")
    title = f"{mark} {document.get('host', '')}: {job} {event}"
    lines = [str(document.get("title") or "")]
    error = document.get("error")
    if event != "recovered" and isinstance(error, Mapping):
        lines.append(str(error.get("message") or ""))
    lines.append(str(document.get("status") or ""))
    if event not in ("recovered", "test"):
        lines.append(f"sjactl why {job}")
    text = "\n".join(dict.fromkeys(filter(None, lines)))
    return Message(title, _cut(text, _MOST_BYTES - len(title.encode())))


def _cut(text: str, most: int) -> str:
    data = text.encode()
    return text if len(data) <= most else f"{data[: most - 3].decode(errors='ignore')}…"


class Post(NamedTuple):
    """A request to a webhook."""

    address: Address
    body: bytes


def make_post(form: Format, address: Address, document: Document, secret: str, now: float) -> Post:
    """Return what is sent; now: Unix time, which a signature holds."""
    if form == "json":
        return _make(address, document)
    message = describe(document)
    whole = f"{message.title}\n{message.text}".rstrip()
    if form == "ntfy":
        return _make_ntfy(address, document, message)
    if form == "slack":
        # What its markup means otherwise is escaped.
        plain = whole.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return _make(address, {"text": plain})
    if form == "discord":
        return _make(address, {"content": whole, "allowed_mentions": {"parse": []}})
    if form == "feishu":
        return _make(address, _sign_feishu(secret, now) | _make_feishu(whole))
    if form == "dingtalk" and secret:
        address = _sign_dingtalk(address, secret, now)
    return _make(address, {"msgtype": "text", "text": {"content": whole}})


def _make(address: Address, document: Document) -> Post:
    return Post(address, json.dumps(document, ensure_ascii=False).encode())


def _make_ntfy(address: Address, document: Document, message: Message) -> Post:
    """A topic's own address takes no title that is not ASCII: JSON goes to the one above it."""
    path, question, query = address.target.partition("?")
    above, _, topic = path.rstrip("/").rpartition("/")
    event = document["event"]
    body = {
        "topic": topic,
        "title": message.title,
        "message": message.text or message.title,
        "priority": 5 if event in _URGENT else 3 if event in ("recovered", "test") else 4,
    }
    return _make(address._replace(target=f"{above}/{question}{query}"), body)


def _make_feishu(text: str) -> dict[str, Any]:
    return {"msg_type": "text", "content": {"text": text}}


def _sign_feishu(secret: str, now: float) -> dict[str, str]:
    if not secret:
        return {}
    moment = str(int(now))
    return {"timestamp": moment, "sign": _sign(f"{moment}\n{secret}", "")}


def _sign_dingtalk(address: Address, secret: str, now: float) -> Address:
    moment = str(int(now * 1000))
    sign = quote(_sign(secret, f"{moment}\n{secret}"), safe="")
    joint = "&" if "?" in address.target else "?"
    return address._replace(target=f"{address.target}{joint}timestamp={moment}&sign={sign}")


def _sign(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha256)).decode()


# The keys that hold 0 in an answer that says yes.
_CODES: Mapping[str, tuple[str, ...]] = {
    "dingtalk": ("errcode",),
    "wecom": ("errcode",),
    "feishu": ("code", "StatusCode"),
}


def judge_answer(form: Format, body: bytes) -> str:
    """Return why a 2xx answer is no delivery, "" if it is one."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        # A page of something else that stands between.
        return "the answer is not that of the service" if form in _CODES else ""
    for key in _CODES.get(form, ("errcode",)):
        if said.get(key) not in (None, 0, "0"):
            words = said.get("errmsg") or said.get("msg") or said.get("StatusMessage") or ""
            return f"refused: {key} {_cut(str(said[key]), 20)} {_cut(str(words), 300)}".rstrip()
    if form in _CODES and not any(key in said for key in _CODES[form]):
        return "the answer is not that of the service"
    if said.get("ok") is False or said.get("success") is False:
        return f"refused: {_cut(str(said.get('error') or said.get('description') or ''), 300)}"
    return ""
