"""A client of the API that adds nothing: what it sends is what the tests say."""

from __future__ import annotations

import http.client
import json
import time
from urllib.parse import urlsplit

TYPE = "user.lifecycle.create"


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class Api:
    """One keep-alive connection; not to be shared between threads."""

    def __init__(self, server, timeout_s=30.0):
        self.url, self.token = server.url, server.token
        self._connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=timeout_s)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._connection.close()

    def call(self, method, path, body=None):
        headers = {"Authorization": f"SSWS {self.token}"}
        data = b"" if method in ("POST", "PUT") else None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        self._connection.request(method, "/api/v1" + path, data, headers)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def ok(self, method, path, body=None):
        """Call, and return the JSON of an answer that must be 200 or 204."""
        answer = self.call(method, path, body)
        assert answer.status in (200, 204), answer
        return answer.json if answer.body else None

    # -- what most tests do -------------------------------------------------------------------------------------------

    def create_hook(self, uri, *, name="hook", types=(TYPE,), headers=None, secret=None, **policy):
        config = {"uri": uri}
        if headers is not None:
            config["headers"] = [{"key": key, "value": value} for key, value in headers]
        if secret is not None:
            config["authScheme"] = {"type": "HEADER", "key": "Authorization", "value": secret}
        body = {
            "name": name,
            "events": {"type": "EVENT_TYPE", "items": list(types)},
            "channel": {"type": "HTTP", "version": "1.0.0", "config": config},
        }
        if policy:
            body["deliveryPolicy"] = policy
        return self.ok("POST", "/eventHooks", body)

    def verify(self, hook_id):
        return self.ok("POST", f"/eventHooks/{hook_id}/lifecycle/verify")

    def verified_hook(self, uri, **options):
        hook = self.create_hook(uri, **options)
        assert self.verify(hook["id"])["verificationStatus"] == "VERIFIED"
        return hook["id"]

    def change_hook(self, hook_id, *, uri=None, policy=None):
        hook = self.ok("GET", f"/eventHooks/{hook_id}")
        if uri is not None:
            hook["channel"]["config"]["uri"] = uri
        if policy is not None:
            hook["deliveryPolicy"] = policy
        return self.ok("PUT", f"/eventHooks/{hook_id}", hook)

    def publish(self, *events):
        """Publish events (texts are uuids, numbers how many), and return their uuids."""
        answer = self.ok("POST", "/events", [self._event(event) for event in events or (None,)])
        return [one["uuid"] for one in answer["events"]]

    @staticmethod
    def _event(event):
        if event is None or isinstance(event, str):
            return {"eventType": TYPE, **({"uuid": event} if event else {})}
        return event

    def deliveries(self, hook_id, **query):
        """Return all deliveries of a hook, page by page."""
        found, after = [], None
        while True:
            parts = {"limit": 200, **query, **({"after": after} if after else {})}
            page = self.ok(
                "GET", f"/eventHooks/{hook_id}/deliveries?" + "&".join(f"{key}={one}" for key, one in parts.items())
            )
            found += page
            if len(page) < 200:
                return found
            after = page[-1]["id"]

    def delivery(self, event_id):
        return self.ok("GET", f"/deliveries/{event_id}")

    def until(self, what, deadline_s=20.0, every_s=0.05):
        """Call *what* until it returns something true, and return that."""
        end = time.monotonic() + deadline_s
        while True:
            found = what()
            if found:
                return found
            assert time.monotonic() < end, f"not within {deadline_s} s: {what.__doc__ or what}"
            time.sleep(every_s)  # 1,200 management calls a minute are all there are

    def only_delivery(self, hook_id, status, deadline_s=20.0):
        """Wait until the hook has one delivery and that has *status*, and return it whole."""
        seen = []

        def look():
            seen[:] = self.deliveries(hook_id)
            return len(seen) == 1 and seen[0]["status"] == status

        try:
            self.until(look, deadline_s)
        except AssertionError:
            raise AssertionError(f"no single {status} delivery, but {seen}") from None
        return self.delivery(seen[0]["id"])

    def log(self, event_type):
        """Return the log events of one type, oldest first."""
        return self.ok("GET", f"/logs?sortOrder=ASCENDING&limit=1000&filter=eventType%20eq%20%22{event_type}%22")
