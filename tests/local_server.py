"""HTTP servers on 127.0.0.1 for the tests of what talks to a network: real sockets, real clients, no site reached.

A server is a context manager; it counts what it was asked, keeps what came with it, and can be told to misbehave. What
it answers is `respond`, which `hub_server` and `kaggle_server` write. With a certificate it speaks TLS; as a proxy it
takes the CONNECT of a client that believes it speaks to the real site (`Internet`).
"""

import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked; `path` is decoded, header names are lower case."""

    method: str
    host: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    port: int | None = None

    @property
    def bearer(self) -> str | None:
        """The token that came with it, or None."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind == "Bearer" else None

    def json(self) -> dict:
        return json.loads(self.body or b"{}")


@dataclass(frozen=True, slots=True)
class Response:
    """What a server says. `cut_at`: the connection is dropped after so many bytes of the body."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_at: int | None = None


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    told = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return Response(status, told, json.dumps(value).encode())


@dataclass(slots=True)
class Fault:
    """How a server misbehaves where a path holds `where`; after `times` requests it behaves again.

    `delay_s`: it says nothing for so long. `drip_s`: so long between each two bytes. `flood`: a body without end. `drop`: it hangs up without a word.
    `response`: it says that in place of its own answer. `cut_at`: it hangs up in the middle of its own answer's body.
    """

    where: str = ""
    delay_s: float = 0.0
    drip_s: float = 0.0
    flood: bool = False
    drop: bool = False
    response: Response | None = None
    cut_at: int | None = None
    times: int | None = None


class LocalServer:
    """The part that all servers share; a subclass answers.

    Attributes:
        requests: all that was asked, in order; a test reads and may clear it.
        faults: the first that fits a request decides.
    """

    def __init__(self, certificate: "Certificate | None" = None) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self._certificate = certificate
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        if certificate is not None:
            # The handshake is the handler's: a client that refuses the certificate must not keep others waiting.
            self._server.socket = certificate.context().wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def respond(self, request: Request) -> Response:
        """The answer of this server when it is well."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"{'http' if self._certificate is None else 'https'}://127.0.0.1:{self.port}"

    def asked(self, where: str = "") -> list[str]:
        """Method and path of each request whose path holds that text."""
        return [f"{each.method} {each.path}" for each in self.requests if where in each.path]

    def close(self) -> None:
        """Stop, and let whoever still waits for a slow answer go."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def is_closing(self) -> bool:
        return self._closing.is_set()

    def wait(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def fault_of(self, request: Request) -> Fault | None:
        for fault in self.faults:
            if fault.where in request.path and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


class Internet(LocalServer):
    """A proxy behind which sites answer by their real names; with a certificate for those it also takes https.

    A client is sent here by HTTPS_PROXY, and trusts the certificate by SSL_CERT_FILE and REQUESTS_CA_BUNDLE.
    """

    def __init__(self, sites: Mapping[str, LocalServer], certificate: "Certificate") -> None:
        self.sites = dict(sites)
        self.tunnel = certificate
        super().__init__()

    def respond(self, request: Request) -> Response:
        by_address = {each.port: each for each in self.sites.values()}  # requests sends redirects here too
        site = self.sites.get(request.host) or by_address.get(request.port or 0)
        if site is None:
            return Response(502, {}, f"no site {request.host}".encode())
        site.requests.append(request)
        return site.respond(request)

    def variables(self) -> dict[str, str]:
        """What sends both clients here."""
        trusted = str(self.tunnel.certificate)
        proxy = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), self.url)
        return {**proxy, "SSL_CERT_FILE": trusted, "REQUESTS_CA_BUNDLE": trusted, "NO_PROXY": "127.0.0.1"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or refuses the certificate, is what some tests want."""


def _handler_of(server: LocalServer) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"local": server})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    local: LocalServer

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        request = self._request()
        self.local.requests.append(request)
        fault = self.local.fault_of(request) or Fault()
        if fault.delay_s:
            self.local.wait(fault.delay_s)
        if fault.drop:
            self._hang_up()
            return
        if fault.flood:
            self._flood()
            return
        response = fault.response or self.local.respond(request)
        self._send(request, response, fault)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the base class looks for these names

    def do_CONNECT(self) -> None:
        """A tunnel whose other end is this server itself."""
        tunnel = getattr(self.local, "tunnel", None)
        if tunnel is None:
            self.send_error(405)
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        self.connection = tunnel.context().wrap_socket(self.connection, server_side=True, do_handshake_on_connect=False)
        self.request = self.connection
        self.connection.do_handshake()
        self.setup()
        self.close_connection = False

    def finish(self) -> None:
        """The base class closes the socket that it accepted; the tunnel in it is ours."""
        try:
            super().finish()
        finally:
            self.connection.close()

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        host = parts.hostname or self.headers.get("Host", "").partition(":")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        query = parse_qs(parts.query, keep_blank_values=True)
        return Request(self.command, host, unquote(parts.path), query, headers, body, parts.port)

    def _send(self, request: Request, response: Response, fault: Fault) -> None:
        self.send_response(response.status)
        headers = {"Content-Length": str(len(response.body)), **response.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if request.method == "HEAD" or not response.body:
            return
        cut_at = response.cut_at if fault.cut_at is None else fault.cut_at
        if fault.drip_s:
            self._drip(response.body, fault.drip_s)
        else:
            self.wfile.write(response.body[:cut_at])
        if cut_at is not None:
            self._hang_up()

    def _drip(self, body: bytes, seconds: float) -> None:
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            self.local.wait(seconds)

    def _flood(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        while not self.local.is_closing():
            self.wfile.write(b" " * 2**20)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()


def ranged(data: bytes, headers: Mapping[str, str], asked: str | None) -> Response:
    """A body whole, or the part of it that a `Range` asks for (`bytes=5-`, `bytes=5-9`)."""
    told = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream", **headers}
    if asked is None:
        return Response(200, told, data)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or len(data)), len(data) - 1)
    if start >= len(data):
        return Response(416, {**told, "Content-Range": f"bytes */{len(data)}"})
    return Response(206, {**told, "Content-Range": f"bytes {start}-{end}/{len(data)}"}, data[start : end + 1])


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate and its key, as files."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificate(folder: Path, *names: str) -> Certificate | None:
    """A certificate for host names and addresses, good for a day; None where there is no openssl to make one."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    kinds = [f"{'IP' if name.replace('.', '').isdigit() else 'DNS'}:{name}" for name in names]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=local test",
         "-addext", f"subjectAltName={','.join(kinds)}", "-keyout", str(made.key), "-out", str(made.certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return made


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds: float = 5.0) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())
