"""The console of an edge gateway: a page whose buttons start and stop acquisition, and its API.

    gunicorn console:application --bind 127.0.0.1:8102

One file, to be read at once; the views go into a project's own app as they are.
"""

import json
import os
from typing import Any

from django.conf import settings

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1", "localhost"],
        ROOT_URLCONF=__name__,
        SECRET_KEY=os.environ.get("SECRET_KEY", os.urandom(32).hex()),
        MIDDLEWARE=["django.middleware.common.CommonMiddleware", f"{__name__}.tell_errors"],
    )

from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_http_methods

from sja_units import Manager
from sja_units.client import ApiError, Job

TEMPLATE = "console"


def tell_errors(get_response: Any) -> Any:
    """Pass on why something was refused."""

    class Middleware:
        def __call__(self, request: HttpRequest) -> HttpResponse:
            return get_response(request)

        def process_exception(self, _: HttpRequest, error: Exception) -> HttpResponse | None:
            if not isinstance(error, ApiError):
                return None
            faults = {fault.key: fault.message for fault in error.errors}
            said = {"detail": error.detail, "faults": faults}
            return JsonResponse(said, status=error.status or 503)

    return Middleware()


def name(line: str) -> str:
    return f"acquisition/line-{line}"


def show(job: Job) -> dict[str, Any]:
    return {
        "line": job.name.removeprefix("line-"),
        "title": job.title,
        "state": job.state,
        "status": job.status,
        "devices": job.health.get("devices", {}),
    }


def show_page(_: HttpRequest) -> HttpResponse:
    with Manager() as jobs:
        lines = [show(job) for job in jobs.list()]
    row = '<tr><td>{}</td><td>{}</td><td>{}</td><td><button data-line="{}">stop</button></td></tr>'
    cells = ((each["title"], each["state"], each["status"], each["line"]) for each in lines)
    return HttpResponse(format_html("<table>{}</table>", format_html_join("\n", row, cells)))


def list_lines(_: HttpRequest) -> JsonResponse:
    with Manager() as jobs:
        return JsonResponse({"lines": [show(job) for job in jobs.list()]})


@require_http_methods(["GET", "PUT", "DELETE"])
def line(request: HttpRequest, line: str) -> HttpResponse:
    with Manager() as jobs:
        if request.method == "GET":
            return JsonResponse(show(jobs.get(name(line))))
        if request.method == "DELETE":
            jobs.remove(name(line))
            return HttpResponse(status=204)
        return JsonResponse(show(jobs.create(name(line), TEMPLATE, json.loads(request.body))))


@require_http_methods(["POST"])
def order(_: HttpRequest, line: str, verb: str) -> JsonResponse:
    with Manager() as jobs:
        orders = {"start": jobs.start, "stop": jobs.stop, "restart": jobs.restart}
        return JsonResponse(show(orders[verb](name(line))))


def values(_: HttpRequest, line: str) -> JsonResponse:
    """Show what was read last."""
    with Manager() as jobs:
        samples = jobs.samples(name(line), since="-1min", lines=20)
    return JsonResponse({"samples": [sample._asdict() for sample in samples]})


urlpatterns = [
    path("", show_page),
    path("api/lines", list_lines),
    path("api/lines/<slug:line>", line),
    path("api/lines/<slug:line>/values", values),
    *(
        path(f"api/lines/<slug:line>/{verb}", order, {"verb": verb})
        for verb in ("start", "stop", "restart")
    ),
]
application = get_wsgi_application()
