"""A collector of traces: takes OTLP over HTTP as JSON, holds it to the format, and keeps each span as a flat record."""
import http.server
import json
import re
import threading


class Collector:
    """Listens on a free loopback port for as long as it is open."""

    def __init__(self):
        collector = self
        self._lock = threading.Lock()  # guards the three below
        self._spans, self._resources, self._faults = [], [], []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    assert self.path == "/v1/traces" and self.headers["Content-Type"] == "application/json", self.path
                    collector._take(json.loads(body))
                    self._answer(200, b"{}")
                except (AssertionError, KeyError, TypeError, ValueError) as error:
                    with collector._lock:
                        collector._faults.append(repr(error))
                    self._answer(400, b"{}")

            def _answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _take(self, request):
        for of_resource in request["resourceSpans"]:
            resource = attributes(of_resource["resource"])
            spans = [flat(span) for of_scope in of_resource["scopeSpans"] for span in of_scope["spans"]]
            with self._lock:
                self._resources.append(resource)
                self._spans += spans

    def resource(self):
        """The one that all requests have named."""
        with self._lock:
            assert self._resources and all(one == self._resources[0] for one in self._resources), self._resources
            return self._resources[0]

    def traces(self):
        """[[span]], roots first; fails where something came that is no OTLP, or no tree in time."""
        with self._lock:
            assert not self._faults, self._faults
            spans = list(self._spans)
        found = {}
        for span in spans:
            found.setdefault(span["trace"], []).append(span)
        for trace in found.values():
            check_tree(trace)
        return list(found.values())


def attributes(holder):
    """{key: number or text}"""
    out = {}
    for one in holder["attributes"]:
        (kind, value), = one["value"].items()
        assert kind in ("stringValue", "intValue") and isinstance(value, str), one
        out[one["key"]] = int(value) if kind == "intValue" else value
    return out


def flat(span):
    assert re.fullmatch("[0-9a-f]{32}", span["traceId"]) and re.fullmatch("[0-9a-f]{16}", span["spanId"]), span
    assert re.fullmatch("([0-9a-f]{16})?", span.get("parentSpanId", "")), span
    assert span["kind"] == 1 and span["status"].get("code", 0) in (0, 2), span
    start, end = span["startTimeUnixNano"], span["endTimeUnixNano"]
    assert isinstance(start, str) and isinstance(end, str), "64-bit integers are text"
    return {"trace": span["traceId"], "id": span["spanId"], "parent": span.get("parentSpanId", ""), "name": span["name"],
            "start": int(start), "end": int(end), "error": span["status"].get("message") if "code" in span["status"] else None,
            **attributes(span)}


def check_tree(spans):
    """One root, every other span inside of its parent, in the tree and in time."""
    by_id = {span["id"]: span for span in spans}
    roots = [span for span in spans if not span["parent"]]
    assert len(by_id) == len(spans) and len(roots) == 1 and spans[0] is roots[0], spans
    for span in spans:
        parent = by_id[span["parent"]] if span["parent"] else span
        assert parent["start"] <= span["start"] <= span["end"] <= parent["end"], (span, parent)


def shape(spans):
    """Names with their parents' names, each once."""
    names = {span["id"]: span["name"] for span in spans}
    return {(span["name"], names.get(span["parent"])) for span in spans}
