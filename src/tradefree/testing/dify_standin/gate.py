"""Requests that are not even read while the server has its hands full."""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import web


class Gate:
    """Lets so many in at once, first come first served; None lets everybody in.

    Dify 1.14.2: with the stock 10 connections an 11th request, be it a stop, waits until another one ends.
    """

    def __init__(self, places: int | None) -> None:
        self._places = places
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def places(self) -> int | None:
        return self._places

    @places.setter
    def places(self, places: int | None) -> None:
        self._places = places
        self._admit()

    async def enter(self) -> None:
        if self._places is None or (self._inside < self._places and not self._waiting):
            self._inside += 1
            return
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(ticket)
        try:
            await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        self._inside -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and (self._places is None or self._inside < self._places):
            ticket = self._waiting.popleft()
            if not ticket.done():
                self._inside += 1
                ticket.set_result(None)


GATE: web.AppKey[Gate] = web.AppKey("gate", Gate)
