"""Prometheus, Alertmanager and their tools, as Debian packages them: one call of a tool, and servers on free loopback ports
that end with the test. Knows neither the rules nor the dashboards."""
import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import yaml

from harness import Failed, free_port, skip, wait_for

TOOL_TIMEOUT_S = 120


def program(name):
    found = shutil.which(name)
    if not found:
        skip(f"there is no {name}: install Debian's prometheus and prometheus-alertmanager")
    return found


def call(name, *args, stdin=None):
    """One run of promtool or amtool, which must not have failed."""
    command = [program(name), *map(str, args)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Server:
    """A process that answers HTTP, for as long as the test's stack lives."""

    def __init__(self, env, name, ready_path, flags):
        self.port = free_port()
        self.log = env.directory / f"{name}.log"
        command = [program(name), f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn", *flags]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=env.directory)
        env.stack.callback(self._end)
        wait_for(lambda: self._runs() and self._status(ready_path) == 200, f"{name} is ready", 30)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def get(self, path, **query):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
            return json.loads(answer.read())

    def _status(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as answer:
                return answer.status
        except (OSError, urllib.error.HTTPError):
            return 0

    def _runs(self):
        if self.process.poll() is not None:
            raise Failed(f"it ended by itself: {self.process.args}\n{self.log.read_text()[-2000:]}")
        return True

    def _end(self):
        self.process.kill()
        self.process.wait()


class Prometheus(Server):
    """Scrapes `targets` (host:port) each second as job `tidemark`."""

    def __init__(self, env, targets, rules=()):
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                  "rule_files": [str(path) for path in rules],
                  "scrape_configs": [{"job_name": "tidemark", "static_configs": [{"targets": list(targets)}]}]}
        path = env.directory / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        super().__init__(env, "prometheus", "/-/ready", [f"--config.file={path}", f"--storage.tsdb.path={env.directory / 'tsdb'}"])

    def query(self, expression):
        """Series of an instant query: [({label: value}, number)]."""
        try:
            answer = self.get("/api/v1/query", query=expression)
        except urllib.error.HTTPError as error:
            raise Failed(f"{expression}: {error.read().decode()[:500]}") from error
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def firing(self):
        """Names of the alerts that fire."""
        alerts = self.get("/api/v1/alerts")["data"]["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}


class Alertmanager(Server):
    def __init__(self, env, config):
        super().__init__(env, "prometheus-alertmanager", "/-/ready", [
            f"--config.file={config}", f"--storage.path={env.directory / 'alertmanager'}", "--cluster.listen-address="])

    def add(self, **labels):
        words = [f"{name}={value}" for name, value in labels.items()]
        call("amtool", f"--alertmanager.url={self.url}", "alert", "add", *words)

    def named(self, *flags):
        """Names of the alerts that `amtool alert query` lists: those that notify, or with a flag, others."""
        out = call("amtool", f"--alertmanager.url={self.url}", "--output=json", "alert", "query", *flags)
        return {one["labels"]["alertname"] for one in json.loads(out)}
