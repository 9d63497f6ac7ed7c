"""A chat API on loopback that answers well, or misbehaves in every way that real ones do."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Behaviour = Callable[["Handler", Body], None]


@dataclass
class ChatServer:
    """Behaves as `script` says, one entry a request, then well; `seen` are the bodies it got."""

    script: list[Behaviour] = field(default_factory=list)
    seen: list[Body] = field(default_factory=list)
    judge: Callable[[str, str], str] = lambda question, entry: "no"
    keys: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stopping = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.chat = self  # type: ignore[attr-defined]  # read by the handler
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def close(self) -> None:
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def good(self, body: Body) -> str:
        """A reply as the prompt wants it, with the judgement of `judge` on each entry."""
        text = body["messages"][-1]["content"]
        found = re.findall(r"BEGIN (\w+) (\w+)\n(.*?)\nEND \1 \2", text, re.DOTALL)
        question = found[0][2]
        if found[0][0] == "text":
            return json.dumps({"tried": "A", "happened": "B", "tags": ["x"]})
        if len(found) == 1:
            return json.dumps({"messages": ["it broke", "It broke.", "why NaN?"]})
        told = {label: self.judge(question, entry) for _, label, entry in found[1:]}
        about = {"matches": "Both diverge.", "differs": "Other model."}
        said = [{"label": label} | about for label, word in told.items() if word != "no"]
        return json.dumps({"judgements": told, "said": said})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.chat.seen.append(body)
        self.chat.keys.append(self.headers.get("Authorization", ""))
        behaviour = self.chat.script.pop(0) if self.chat.script else good
        behaviour(self, body)

    @property
    def chat(self) -> ChatServer:
        return self.server.chat  # type: ignore[attr-defined]

    def send(
        self, data: bytes, *, status: int = 200, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def say(self, text: Any) -> None:
        """A chat completion with this text."""
        message = {"role": "assistant", "content": text}
        told = {"id": "1", "object": "chat.completion", "model": "m", "created": 1}
        told |= {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        told |= {"usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}}
        self.send(json.dumps(told).encode())

    def log_message(self, format: str, *args: object) -> None: ...


def good(handler: Handler, body: Body) -> None:
    handler.say(handler.chat.good(body))


def status(code: int, message: str = "no", **headers: str) -> Behaviour:
    """An answer with this status and an error object, as OpenAI's."""

    def behave(handler: Handler, body: Body) -> None:
        data = json.dumps({"error": {"message": message, "type": "x"}}).encode()
        handler.send(data, status=code, **headers)

    return behave


def says(text: Any) -> Behaviour:
    return lambda handler, body: handler.say(text)


def edits(change: Callable[[str], str]) -> Behaviour:
    """The good reply, changed."""
    return lambda handler, body: handler.say(change(handler.chat.good(body)))


def sends(data: bytes, kind: str = "application/json") -> Behaviour:
    return lambda handler, body: handler.send(data, kind=kind)


def refuses(*names: str) -> Behaviour:
    """400 while the request holds one of these; then a good answer."""

    def behave(handler: Handler, body: Body) -> None:
        for name in names:
            value = body.get(name)
            if value is not None:
                status(400, f"{name} is not supported")(handler, body)
                return
        good(handler, body)

    return behave


def refuses_schema(handler: Handler, body: Body) -> None:
    if body.get("response_format", {}).get("type") == "json_schema":
        status(400, "'response_format.type' must be one of text, json_object")(handler, body)
    else:
        good(handler, body)


def refuses_schema_with_500(handler: Handler, body: Body) -> None:
    """As llama-cpp-python does, which takes a schema beside json_object."""
    form = body.get("response_format", {})
    if form.get("type") == "json_schema":
        status(500, "1 validation error: ('body', 'response_format', 'type')")(handler, body)
    else:
        assert "schema" in form
        good(handler, body)


def takes_json_object_only(handler: Handler, body: Body) -> None:
    """And no further field in it."""
    if body.get("response_format") == {"type": "json_object"}:
        good(handler, body)
    else:
        status(400, "unknown field")(handler, body)


def knows_no_system(handler: Handler, body: Body) -> None:
    """As templates of models do that were trained without the role."""
    if body["messages"][0]["role"] == "system":
        status(400, "System role not supported")(handler, body)
    else:
        good(handler, body)


def hangs(handler: Handler, body: Body) -> None:
    """Takes the request, and never answers."""
    handler.chat.stopping.wait(20)


def drips(handler: Handler, body: Body) -> None:
    """A byte of a header every tenth of a second: each read succeeds, the answer never ends."""
    handler.close_connection = True
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not handler.chat.stopping.wait(0.1):
            handler.wfile.write(b"x")
            handler.wfile.flush()
    except OSError:
        return


def slow(seconds: float) -> Behaviour:
    def behave(handler: Handler, body: Body) -> None:
        time.sleep(seconds)
        good(handler, body)

    return behave


def resets(handler: Handler, body: Body) -> None:
    """Closes with a reset, as a crashed server's machine does."""
    handler.close_connection = True
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()


def stops_halfway(handler: Handler, body: Body) -> None:
    """Promises more bytes than it sends."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")


def huge(handler: Handler, body: Body) -> None:
    """Never stops sending."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    try:
        while not handler.chat.stopping.is_set():
            handler.wfile.write(b" " * 65_536)
    except OSError:
        return


def redirects(url: str) -> Behaviour:
    return lambda handler, body: handler.send(b"", status=307, Location=url)


def compressed(handler: Handler, body: Body) -> None:
    handler.send(b"\x1f\x8b", Content_Encoding="gzip")
