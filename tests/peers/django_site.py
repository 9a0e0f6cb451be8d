"""Django's own admin site with its login: a counterpart for keep-alive jobs that is not ours.

    python tests/peers/django_site.py --port 8000 --session-life 8 --folder FOLDER

Nothing but the settings is written here. Sessions end after that many seconds of idling. FOLDER
holds the database, which outlives the site, and `log`: status and path of each answer.
"""

import argparse
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

USER, PASSWORD = "alice", "a made-up password"
CONTRIB = "django.contrib."


def configure(folder: Path, session_life: int) -> None:
    """Set Django up as its own project template does, and make the user."""
    settings.configure(
        SECRET_KEY="made-up",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db.sqlite3"}
        },
        INSTALLED_APPS=[
            CONTRIB + name for name in ("admin", "auth", "contenttypes", "sessions", "messages")
        ],
        MIDDLEWARE=[
            CONTRIB + "sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            CONTRIB + "auth.middleware.AuthenticationMiddleware",
            CONTRIB + "messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        CONTRIB + "auth.context_processors.auth",
                        CONTRIB + "messages.context_processors.messages",
                    ]
                },
            }
        ],
        SESSION_COOKIE_AGE=session_life,
        SESSION_SAVE_EVERY_REQUEST=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User

    if not User.objects.filter(username=USER).exists():
        User.objects.create_superuser(USER, password=PASSWORD)


class Quiet(WSGIRequestHandler):
    """One connection, of which nothing is told on the console."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the site keeps its own log."""


def keep_log(site: Callable[..., Iterable[bytes]], path: Path) -> Callable[..., Iterable[bytes]]:
    """Return the site, with a line in that file for each answer."""

    def answer(environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def note(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            with path.open("a") as log:
                log.write(f"{status[:3]} {environment['PATH_INFO']}\n")
            return start(status, headers, *more)

        return site(environment, note)

    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description="Django's admin site.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--session-life", type=int, default=8, help="seconds of idling")
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    os.makedirs(options.folder, exist_ok=True)
    configure(options.folder, options.session_life)
    from django.contrib import admin
    from django.urls import path

    globals()["urlpatterns"] = [path("admin/", admin.site.urls)]
    site = keep_log(get_wsgi_application(), options.folder / "log")
    with make_server("127.0.0.1", options.port, site, handler_class=Quiet) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
