"""A TCP proxy that lets bytes through at a limited speed: a broker that is slow to take what a sink sends."""
import socket
import threading
import time

CHUNK = 16 << 10


class SlowProxy:
    """Forwards a loopback port to `target_port`; towards the target at most `bytes_per_second` over all connections."""

    def __init__(self, target_port, bytes_per_second):
        self.target_port, self.bytes_per_second = target_port, bytes_per_second
        self._lock = threading.Lock()  # guards _free_at
        self._free_at = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                target = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                return
            threading.Thread(target=self._pump, args=(client, target, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(target, client, False), daemon=True).start()

    def _pump(self, source, sink, slow):
        try:
            while data := source.recv(CHUNK):
                if slow and self.bytes_per_second:
                    self._wait_turn(len(data))
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            one.close()

    def _wait_turn(self, size):
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + size / self.bytes_per_second
            wait = self._free_at - now
        time.sleep(wait)
