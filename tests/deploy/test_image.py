"""The compose file and the image's recipe: what they name is there, and fits together. The image itself takes an engine and
a build of many minutes, and is tried in the long run, where `docker` answers."""
import json
import os
import re
import shutil
import subprocess
import time

import yaml

import kafka
import prometheus
from harness import TUMBLING, Job, Kit, long_test, skip, wait_for
from test_packages import said_by, version_of

LIMIT_MIB = 192


def compose(env):
    return yaml.safe_load((env.deploy / "compose.yaml").read_text())


def test_the_compose_file_names_what_is_there(env):
    services = compose(env)["services"]
    assert {"kafka", "tidemark", "prometheus", "alertmanager", "grafana"} <= set(services)
    for name, service in services.items():
        assert re.search(r":v?\d+\.\d+", service["image"]), f"{name}: {service['image']} is not pinned"
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} is open to others: {port}"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (env.deploy / source).exists(), f"{name}: there is no {source}"
        for other in service.get("depends_on", {}):
            assert other in services, f"{name}: {other}"
    ours = services["tidemark"]
    assert ours["read_only"] is True and ours["cap_drop"] == ["ALL"] and "mem_limit" in ours
    assert "no-new-privileges:true" in ours["security_opt"]
    assert f":{version_of(env)}" in ours["image"]
    for name in ("prometheus.yml", "grafana/datasources/prometheus.yml", "grafana/dashboards/tidemark.yml"):
        assert yaml.safe_load((env.deploy / "compose" / name).read_text()), name
    prometheus.call("promtool", "check", "config", "--syntax-only", env.deploy / "compose" / "prometheus.yml")


def test_the_shop_writes_what_the_pipeline_reads(env):
    schema = yaml.safe_load((env.root / "examples" / "purchases.yaml").read_text())["sources"]["events"]["schema"]
    lines = said_by("bash", env.deploy / "compose" / "shop.sh", 400).splitlines()
    assert len(lines) == 400
    whole, broken = [], 0
    for line in lines:
        try:
            whole.append(json.loads(line))
        except ValueError:
            broken += 1
    assert broken == 4
    required = {name for name, kind in schema.items() if not str(kind).endswith("?")}
    for one in whole:
        assert required <= set(one) <= set(schema), one
    assert sum("amount" in one for one in whole) > 50 and abs(whole[0]["ts"] / 1000 - time.time()) < 60
    assert sum(one["ts"] / 1000 < time.time() - 300 for one in whole) == 4


def test_the_image_is_built_of_what_is_there(env):
    text = (env.deploy / "Dockerfile").read_text()
    ignored = (env.root / ".dockerignore").read_text().splitlines()
    for source in re.findall(r"^COPY (?!--from)(\S+)", text, re.M):
        assert (env.root / source).exists(), source
        assert f"/{source.split('/')[0]}/" not in ignored, f"{source} is left out by .dockerignore"
    last = text[text.rindex("\nFROM "):]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.M), "it must run as a number that is not root"
    assert 'CMD ["/usr/bin/tidemark", "health"]' in last and 'ENTRYPOINT ["/usr/bin/tidemark"]' in last
    chart = yaml.safe_load((env.deploy / "chart" / "values.yaml").read_text())
    assert f"USER {chart['user']}:" in last
    assert f"ARG VERSION={version_of(env)}" in text


# ---- The image itself

class Container:
    """One container of the image, as hardened as it can be, over the host's network: on the port that its health check asks."""

    def __init__(self, env, image, job, *options):
        self.name = f"tidemark-{env.name}-{os.getpid()}"
        volume = f"{self.name}-state"
        env.stack.callback(docker, "volume", "rm", "-f", volume)
        env.stack.callback(docker, "rm", "-f", self.name)
        docker("run", "-d", "--name", self.name, "--network", "host", "--read-only", "--cap-drop", "ALL", "--security-opt",
               "no-new-privileges", "--memory", f"{LIMIT_MIB}m", "-v", f"{volume}:/var/lib/tidemark",
               "-v", f"{job.write()}:/etc/tidemark/pipelines/job.yaml:ro", image,
               "run", "/etc/tidemark/pipelines/job.yaml", *options)

    def facts(self):
        return json.loads(docker("inspect", self.name))[0]

    def log(self):
        return docker("logs", self.name, stderr=subprocess.STDOUT)

    def stop(self):
        docker("stop", "--time", "60", self.name)
        state = self.facts()["State"]
        assert state["ExitCode"] == 0 and not state["OOMKilled"], f"{state}\n{self.log()[-3000:]}"


def docker(*words, **options):
    done = subprocess.run(["docker", *words], stdout=subprocess.PIPE, text=True, timeout=3600,
                          **{"stderr": subprocess.PIPE, **options})
    if done.returncode != 0:
        raise AssertionError(f"docker {' '.join(words)}: exit {done.returncode}\n{done.stdout[-2000:]}{(done.stderr or '')[-2000:]}")
    return done.stdout


def built_image(env):
    """TIDEMARK_IMAGE names one that is built already, TIDEMARK_BASE a base where none can be pulled."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode != 0:
        skip("no container engine answers")
    if "TIDEMARK_IMAGE" in os.environ:
        return os.environ["TIDEMARK_IMAGE"]
    base = os.environ.get("TIDEMARK_BASE", "debian:trixie-slim")
    docker("build", "--network", "host", "--build-arg", f"BASE={base}", "-f", str(env.deploy / "Dockerfile"), "-t",
           "tidemark:tested", str(env.root))
    return "tidemark:tested"


@long_test
def test_the_image_runs_the_job_within_its_limits(env):
    """With a root that is read-only, no capability and little memory: it takes its budget from the limit, is healthy, keeps
    below the limit with more keys than fit, writes every row once, and drains."""
    image = built_image(env)
    broker = env.stack.enter_context(kafka.Broker(kafka.DEFAULT_VERSION))
    kit = Kit(env.testkit, broker.bootstrap)
    for suffix, count in (("in", 4), ("out", 3), ("late", 1), ("dead", 1)):
        kit.create_topic(f"image.{suffix}", count)
    job = Job(env.directory, "image", broker.bootstrap, "image.in", out="image.out", late="image.late", dead="image.dead",
              window=TUMBLING)
    os.chmod(env.directory, 0o755)
    os.chmod(job.write(), 0o644)
    kit.generate("image.in", 600_000, keys=200_000, events_per_minute=300_000)
    one = Container(env, image, job)
    wait_for(lambda: one.facts()["State"].get("Health", {}).get("Status") == "healthy", "the engine finds it healthy", 60, 1)
    config = one.facts()["Config"]
    assert config["User"] == "65532:65532" and config["Labels"]["org.opencontainers.image.version"] == version_of(env), config
    assert f"bytes={(LIMIT_MIB << 20) // 5 * 3} " in one.log(), one.log()[:500]
    wait_for(lambda: kit.caught_up("image", "image.in"), "all is committed", 120, 1)
    one.stop()
    closing = Container(env, image, job, "--until-end") if docker("rm", one.name) else None
    assert docker("wait", closing.name).strip() == "0", closing.log()[-3000:]
    kit.verify(job)
