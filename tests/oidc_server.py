"""A provider of single sign-on on this machine, for tests: OpenID Connect over real HTTP."""

import asyncio
import secrets
import threading
import time
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "attending", "a secret between provider and client"


class OIDCServer:
    """Signs everybody in at once, as whoever `claims` says.

    Attributes:
        claims: what ID tokens say beside what they must.
        granted: how many ID tokens were given.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "nobody"}
        self.granted = 0
        self._key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self._nonces: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""

    def __enter__(self) -> "OIDCServer":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/keys", self._keys)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        (address,) = self._runner.addresses
        self.url = f"http://127.0.0.1:{address[1]}"

    async def _configuration(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _authorize(self, request: web.Request) -> web.Response:
        code = secrets.token_urlsafe(16)
        self._nonces[code] = request.query["nonce"]
        back = urlencode({"code": code, "state": request.query["state"]})
        raise web.HTTPFound(f"{request.query['redirect_uri']}?{back}")

    async def _token(self, request: web.Request) -> web.Response:
        nonce = self._nonces.pop((await request.post())["code"])  # type: ignore[arg-type]
        now = int(time.time())
        said = {
            "iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 600, "nonce": nonce,
            **self.claims,
        }  # fmt: skip
        self.granted += 1
        token = jwt.encode({"alg": "RS256", "kid": "1"}, said, self._key)
        return web.json_response(
            {"access_token": "x", "token_type": "Bearer", "expires_in": 600, "id_token": token}
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self._key.as_dict(private=False)]})
