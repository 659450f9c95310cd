"""Writes a stream to its reader."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from tradefree.testing.dify_standin.engine import Engine
from tradefree.testing.dify_standin.replies import PING, STREAM_HEADERS
from tradefree.testing.dify_standin.run import Run
from tradefree.testing.dify_standin.stream import Stream


async def pump(
    request: web.Request,
    engine: Engine,
    run: Run,
    stream: Stream,
    headers: dict[str, str],
    told: Iterable[bytes] = (),
) -> web.StreamResponse:
    """One ping at once, what the reader must be told first, then what the run sends. Leaving does not end the run."""
    run.streams.append(stream)
    first = () if run.speaks else (PING,)
    try:
        return await write(request, engine, stream, headers, (*first, *told))
    finally:
        run.streams.remove(stream)
        engine.abandon(run)


async def hold_silent(request: web.Request, engine: Engine) -> web.StreamResponse:
    """One ping, then nothing until the idle limit."""
    return await write(request, engine, Stream(), STREAM_HEADERS, (PING,))


async def write(
    request: web.Request, engine: Engine, stream: Stream, headers: dict[str, str], told: Iterable[bytes]
) -> web.StreamResponse:
    """Send the stream to its end: a clean end, or a dropped connection if the stream was cut."""
    stream.close_when_idle(engine.real(engine.timing.idle_close_seconds))
    response = web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        if begun := b"".join(told):
            await response.write(begun)
        async for chunk in stream.chunks():
            await response.write(chunk)
        if not stream.cut:
            await response.write_eof()
        elif request.transport:
            request.transport.abort()
    except ConnectionResetError:
        pass  # the reader left
    finally:
        stream.close()
    return response
