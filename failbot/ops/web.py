"""`/healthz`, `/readyz` and `/metrics`, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from failbot.ops.health import Part, told
from failbot.ops.metrics import CONTENT_TYPE


def health_routes(*, alive: Mapping[str, Part], ready: Mapping[str, Part]) -> list[BaseRoute]:
    """`/healthz` looks at what a restart may mend, `/readyz` at all that should be well.

    200 or 503, with a JSON object of what is said of each part.
    """
    return [
        Route("/healthz", _answering(alive), methods=["GET"]),
        Route("/readyz", _answering(ready), methods=["GET"]),
    ]


def ops_app(health: list[BaseRoute], *, metrics: Callable[[], bytes]) -> Starlette:
    """All three, for a port of their own: metrics are not everybody's to read."""

    async def answer(_: Request) -> Response:
        return Response(await run_in_threadpool(metrics), media_type=CONTENT_TYPE)

    return Starlette(routes=[*health, Route("/metrics", answer, methods=["GET"])])


def _answering(parts: Mapping[str, Part]) -> Callable[[Request], object]:
    async def answer(_: Request) -> Response:
        is_well, words = await run_in_threadpool(told, parts)
        return JSONResponse(words, status_code=200 if is_well else 503)

    return answer
