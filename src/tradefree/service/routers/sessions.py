"""/console/session: signing in and out of the console."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tradefree.access.sessions import Session as Started
from tradefree.service.bodies import StrictRoute
from tradefree.service.callers import SignedIn, signed_in
from tradefree.service.context import system_of
from tradefree.service.cookies import clear_cookie, csrf_token, require_own_origin, set_cookie
from tradefree.service.models.sessions import Session, SignIn

router = APIRouter(prefix="/console/session", tags=["access"], route_class=StrictRoute)


@router.post(
    "",
    operation_id="start_session",
    summary="Sign in",
    response_description="Signed in; the cookie comes with it.",
    responses={401: {}, 403: {}, 429: {"description": "Too many wrong keys from this address."}, 503: {}},
)
async def start_session(request: Request, response: Response, body: SignIn) -> Session:
    """Begins a session with the rights of an API key. The answer sets a cookie, with which every other operation can be
    called; those that change something need the header `X-CSRF-Token`, too."""
    system = system_of(request)
    require_own_origin(request, system.settings)
    address = request.client.host if request.client else ""
    session, token = await system.sessions.start(body.api_key.get_secret_value(), address)
    set_cookie(response, token, system.settings)
    return Session.of(session, csrf_token(token), system.version)


@router.get("", operation_id="get_session", summary="See who is signed in")
async def get_session(request: Request, session: Annotated[Started, signed_in()]) -> Session:
    """The session of the cookie: whose it is, what it may do, and the CSRF token."""
    return Session.of(session, csrf_token(SignedIn.token_of(request)), system_of(request).version)


@router.delete("", operation_id="end_session", summary="Sign out", status_code=204)
async def end_session(
    request: Request,
    response: Response,
    session: Annotated[Started, signed_in()],
    everywhere: Annotated[bool, Query(description="All sessions of the key, in all browsers.")] = False,
) -> None:
    """Ends the session that asks, or all of its key, at once."""
    system = system_of(request)
    await system.sessions.end(session, everywhere=everywhere)
    clear_cookie(response, system.settings)
