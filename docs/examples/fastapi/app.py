"""A booking service whose users add accounts: each is a keep-alive job, and systemd keeps it.

uvicorn app:app --port 8101
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
from fastapi import Body, FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from sja_units import AsyncManager
from sja_units.client import ApiError, Job

TEMPLATE = "booking"
SITE = os.environ.get("SITE", "https://sports.example.edu")
jobs = AsyncManager()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with jobs:
        yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(ApiError)
async def tell(_: Request, error: ApiError) -> JSONResponse:
    """Pass on why something was refused: which field is wrong, or who has to act."""
    faults = {fault.key: fault.message for fault in error.errors}
    return JSONResponse({"detail": error.detail, "faults": faults}, error.status or 503)


def name(account: str) -> str:
    return f"keepalive/booking-{account}"


def show(job: Job) -> dict[str, Any]:
    return {
        "account": job.name.removeprefix("booking-"),
        "title": job.title,
        "state": job.state,
        "session": job.health.get("session"),
        "status": job.status,
    }


@app.get("/accounts")
async def list_accounts() -> list[dict[str, Any]]:
    return [show(job) for job in await jobs.list()]


@app.post("/accounts/{account}", status_code=201)
async def add(
    account: str,
    title: Annotated[str, Body()],
    cookies: Annotated[str, Body()],
    interval: Annotated[str, Body()] = "15min",
) -> dict[str, Any]:
    values = {"title": title, "interval": interval}
    return show(await jobs.create(name(account), TEMPLATE, values, cookies=cookies))


@app.get("/accounts/{account}")
async def get(account: str) -> dict[str, Any]:
    return show(await jobs.get(name(account)))


@app.put("/accounts/{account}/cookies")
async def replace_cookies(account: str, cookies: Annotated[str, Body()]) -> dict[str, Any]:
    return show(await jobs.set_cookies(name(account), cookies))


@app.post("/accounts/{account}/stop")
async def stop(account: str) -> dict[str, Any]:
    return show(await jobs.stop(name(account)))


@app.post("/accounts/{account}/start")
async def start(account: str) -> dict[str, Any]:
    return show(await jobs.start(name(account)))


@app.delete("/accounts/{account}", status_code=204)
async def remove(account: str) -> Response:
    await jobs.remove(name(account))
    return Response(status_code=204)


@app.get("/accounts/{account}/site")
async def ask_site(account: str, path: str = "/api/user/current") -> Response:
    """Ask the site as this account does, by the session that the job keeps alive."""
    header = (await jobs.cookies(name(account), "header")).strip().partition(": ")[2]
    async with httpx.AsyncClient(base_url=SITE, headers={"Cookie": header}) as site:
        answer = await site.get(path)
    return Response(answer.content, answer.status_code, media_type=answer.headers["content-type"])


@app.get("/events")
async def follow() -> StreamingResponse:
    """Tell a browser of each change, as server-sent events."""

    async def tell_changes() -> AsyncIterator[str]:
        async for event in jobs.events():
            said = {"event": event.event, "account": show(event.job) if event.job else event.name}
            yield f"data: {json.dumps(said)}\n\n"

    return StreamingResponse(tell_changes(), media_type="text/event-stream")
