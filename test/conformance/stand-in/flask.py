"""The part of Flask that receivers of webhooks use, for machines without Flask."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Request(threading.local):
    headers = None
    data = b""

    def get_data(self):
        return self.data

    def get_json(self):
        return json.loads(self.data)


request = _Request()


def jsonify(value):
    return json.dumps(value).encode()


class Flask:
    def __init__(self, name):
        self.routes = {}

    def route(self, path, methods=("GET",)):
        def register(view):
            for method in methods:
                self.routes[method, path] = view
            return view

        return register

    def run(self, host="127.0.0.1", port=5000):
        routes = self.routes

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                request.headers = self.headers
                request.data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                view = routes.get((self.command, self.path))
                answer = (b"", 404) if view is None else view()
                body, status = answer if isinstance(answer, tuple) else (answer, 200)
                body = body.encode() if isinstance(body, str) else body
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        ThreadingHTTPServer((host, port), Handler).serve_forever()
