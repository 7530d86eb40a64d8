#!/usr/bin/env python3
"""Hostile clients of an HTTP port, all in one thread: they connect and say nothing, or a byte now and then, junk, heads
without end, requests by the dozen, or ask for much and read nothing; and they come back when they are thrown out. And a
probe, which asks /livez twenty times a second meanwhile, each time over a connection of its own.

    hostile.py crowd PORT CLIENTS SECONDS    {"connected": how often, "at_once": how many}
    hostile.py probe PORT SECONDS            {"ms": [how long each answer took], "failed": [why there was none]}"""
import errno
import heapq
import itertools
import json
import os
import random
import resource
import select
import socket
import sys
import time

BACK_A_SECOND = 2_000  # connections made a second, by those that were thrown out
SOONEST_BACK_S = 0.5
DRIP_EVERY_S = 1.0
DEAF_FOR_S = 3.0
CONNECTS_A_TURN = 100
PROBE_EVERY_S = 0.05
PROBE_WITHIN_S = 5

KINDS = {"silent": b"", "still": b"", "drip": b"G", "junk": os.urandom(1500),
         "head": b"GET / HTTP/1.1\r\nX-A: " + b"b" * 9000, "many": b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 40,
         "page": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "deaf": b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"}


class Client:
    def __init__(self, connection, kind):
        self.connection, self.kind, self.said = connection, kind, False


class Crowd:
    def __init__(self, port, count):
        self.port, self.poll, self.numbers = port, select.epoll(), itertools.count()
        self.clients = {}  # by descriptor
        self.due = []      # (when, number, what to do)
        for kind in itertools.islice(itertools.cycle(KINDS), count):
            self.later(0, self.connect, kind)
        self.back_after_s = max(SOONEST_BACK_S, count / BACK_A_SECOND)
        self.connected = self.at_once = 0

    def later(self, when, what, *args):
        heapq.heappush(self.due, (when, next(self.numbers), what, args))

    def connect(self, kind, now):
        connection = socket.socket()
        connection.setblocking(False)
        if kind == "deaf":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        if connection.connect_ex(("127.0.0.1", self.port)) not in (0, errno.EINPROGRESS):
            connection.close()
            return self.later(now + self.back_after_s, self.connect, kind)
        self.clients[connection.fileno()] = Client(connection, kind)
        self.poll.register(connection.fileno(), select.EPOLLOUT)

    def serve(self, descriptor, events, now):
        client = self.clients[descriptor]
        if client.said or not events & select.EPOLLOUT or events & select.EPOLLERR:
            return self.leave(descriptor, client, now)
        client.said = True
        self.connected += 1
        self.poll.modify(descriptor, 0 if client.kind == "deaf" else select.EPOLLRDHUP)
        self.say(descriptor, client, KINDS[client.kind], now)
        if client.kind == "drip":
            self.later(now + DRIP_EVERY_S, self.drip, descriptor, client)
        if client.kind == "deaf":
            self.later(now + DEAF_FOR_S, self.leave, descriptor, client)

    def say(self, descriptor, client, words, now):
        try:
            client.connection.send(words)
        except OSError:
            self.leave(descriptor, client, now)

    def drip(self, descriptor, client, now):
        if self.clients.get(descriptor) is client:
            self.say(descriptor, client, b"E", now)
            self.later(now + DRIP_EVERY_S, self.drip, descriptor, client)

    def leave(self, descriptor, client, now):
        if self.clients.get(descriptor) is not client:
            return
        self.poll.unregister(descriptor)
        del self.clients[descriptor]
        client.connection.close()
        self.later(now + self.back_after_s * random.uniform(0.5, 1.5), self.connect, client.kind)

    def run(self, seconds):
        now = time.monotonic()
        end = now + seconds
        while now < end:
            for _ in range(CONNECTS_A_TURN):
                if not self.due or self.due[0][0] > now:
                    break
                _, _, what, args = heapq.heappop(self.due)
                what(*args, now)
            for descriptor, events in self.poll.poll(0.01, 512):
                if descriptor in self.clients:
                    self.serve(descriptor, events, now)
            self.at_once = max(self.at_once, len(self.clients))
            now = time.monotonic()


def crowd(port, count, seconds):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, count + 100), most))
    os.nice(19)  # what is measured is the server's time, not theirs
    clients = Crowd(port, min(count, most - 100))
    clients.run(seconds)
    return {"connected": clients.connected, "at_once": clients.at_once}


def ask(port):
    with socket.create_connection(("127.0.0.1", port), PROBE_WITHIN_S) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection.recv(100)


def probe(port, seconds):
    took, failed, end = [], [], time.monotonic() + seconds
    while (begin := time.monotonic()) < end:
        try:
            answer = ask(port)
            took.append((time.monotonic() - begin) * 1000)
            if not answer.startswith(b"HTTP/1.1 200"):
                failed.append(repr(answer[:40]))
        except OSError as error:
            failed.append(str(error))
        time.sleep(max(0.0, begin + PROBE_EVERY_S - time.monotonic()))
    return {"ms": took, "failed": failed}


def main():
    what, *numbers = sys.argv[1:]
    print(json.dumps({"crowd": crowd, "probe": probe}[what](*map(int, numbers))))


if __name__ == "__main__":
    main()
