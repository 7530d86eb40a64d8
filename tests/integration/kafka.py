#!/usr/bin/env python3
"""A real Apache Kafka for tests: fetches the broker once from Maven Central and runs it as a KRaft single node.

The broker lives on free loopback ports and in a data folder of its own, and can be stopped, killed, frozen and started
again on the same port and data. Knows nothing of Tidemark; topics and offsets are the test kit's business.

    kafka.py fetch [--version V]                 fill the cache, print the folder of jars
    kafka.py start [--version V] [--data DIR]    start one, print `bootstrap pid data` and return
    kafka.py stop --data DIR                     stop the one of that folder
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

DEFAULT_VERSION = os.environ.get("TIDEMARK_KAFKA_VERSION", "4.1.1")
SCALA = "2.13"
MAVEN_TIMEOUT_S = 600
START_TIMEOUT_S = 60


class KafkaUnavailable(Exception):
    """No broker can be had here: no Java, no Maven, or no way to Maven Central."""


# ---- Fetching

def cache_dir():
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(root) / "tidemark"


POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tidemark.tests</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_{scala}</artifactId><version>{version}</version>
  </dependency><dependency>
    <groupId>{log_group}</groupId><artifactId>{log_artifact}</artifactId><version>{log_version}</version>
  </dependency></dependencies>
</project>
"""
# What the broker logs through: the jar that its own distribution adds.
LOG4J2_BINDING = ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3")
RELOAD4J_BINDING = ("org.slf4j", "slf4j-reload4j", "1.7.36")


def check_java():
    try:
        answer = subprocess.run(["java", "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KafkaUnavailable(f"java does not run: {error}") from error
    quoted = answer.stderr.split('"')
    major = int(quoted[1].split(".")[0]) if answer.returncode == 0 and len(quoted) > 1 else 0
    if major < 17:
        raise KafkaUnavailable(f"Java 17 or newer is needed, found: {answer.stderr.splitlines()[:1]}")


def cached(name, fill):
    """The folder of that name in the cache. Where there is none, `fill(work, made)` makes it in the folder `made`, which
    becomes it, or is forgotten where that fails; `work` is for what is not kept."""
    home = cache_dir() / name
    if home.is_dir():
        return home
    cache_dir().mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}.", dir=cache_dir()))
    try:
        (work / "made").mkdir()
        fill(work, work / "made")
        try:
            os.rename(work / "made", home)
        except OSError:
            if not home.is_dir():  # otherwise another run was faster: its folder is as good
                raise
        return home
    finally:
        shutil.rmtree(work, ignore_errors=True)


def fetch(version=DEFAULT_VERSION):
    """The folder with the broker's jars, fetched from Maven Central when the cache does not have it."""
    def fill(work, jars):
        group, artifact, log_version = RELOAD4J_BINDING if version.startswith("3.") else LOG4J2_BINDING
        (work / "pom.xml").write_text(POM.format(scala=SCALA, version=version, log_group=group, log_artifact=artifact,
                                                 log_version=log_version))
        _maven(["mvn", "-q", "-B", "-f", str(work / "pom.xml"), "dependency:copy-dependencies",
                "-DincludeScope=runtime", f"-DoutputDirectory={jars}"])
        if not list(jars.glob(f"kafka_{SCALA}-{version}.jar")):
            raise KafkaUnavailable(f"Maven ended well but brought no kafka_{SCALA}-{version}.jar")
    return cached(f"kafka-{version}", fill)


def _maven(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAVEN_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KafkaUnavailable(f"mvn does not run: {error}") from error
    if done.returncode != 0:
        raise KafkaUnavailable(f"mvn could not fetch the broker: {_first_error(done.stdout + done.stderr)}")


def _first_error(log):
    """Maven names the cause first and says last where its manual stands."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", log).strip().splitlines()
    return next((line for line in lines if line.startswith("[ERROR]")), lines[-1] if lines else "it says nothing")


# ---- The wire, as far as waiting needs it

def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _receive(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return data


def brokers_in_metadata(port, timeout_s=2.0):
    """How many brokers the one at `port` knows to be alive (Metadata v1): 0 while it is still fenced."""
    client = b"kit"
    request = struct.pack(">hhih", 3, 1, 1, len(client)) + client + struct.pack(">i", 0)
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.settimeout(timeout_s)
        connection.sendall(struct.pack(">i", len(request)) + request)
        size = struct.unpack(">i", _receive(connection, 4))[0]
        answer = _receive(connection, size)
    return struct.unpack(">i", answer[4:8])[0]


ACL_RESOURCES = {"topic": 2, "group": 3, "transactional_id": 5}
ACL_OPERATIONS = {"read": 3, "write": 4, "describe": 8}


def allow(port, user, resource, name, *operations, prefixed=False, timeout_s=5.0):
    """Gives a user rights (CreateAcls v1), through a listener that may do so. librdkafka knows no transactional ids here."""
    def text(value):
        return struct.pack(">h", len(value)) + value.encode()

    body = struct.pack(">i", len(operations))
    for operation in operations:
        body += (struct.pack(">b", ACL_RESOURCES[resource]) + text(name) + struct.pack(">b", 4 if prefixed else 3) +
                 text(f"User:{user}") + text("*") + struct.pack(">bb", ACL_OPERATIONS[operation], 3))
    request = struct.pack(">hhi", 30, 1, 1) + text("kit") + body
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.settimeout(timeout_s)
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = _receive(connection, struct.unpack(">i", _receive(connection, 4))[0])
    at = 12  # correlation id, throttle time, number of results
    for _ in operations:
        code, size = struct.unpack(">hh", answer[at:at + 4])
        if code != 0:
            raise RuntimeError(f"the broker gives no rights: error {code} {answer[at + 4:at + 4 + max(0, size)]}")
        at += 4 + max(0, size)


# ---- The broker

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    # A killed broker may come back only when its old session is over.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # Test records bear timestamps of long ago; they must not be taken for expired.
    "log.retention.ms": "-1",
    "log.retention.bytes": "-1",
    "log.segment.bytes": str(256 << 20),
    "log.cleaner.dedupe.buffer.size": str(8 << 20),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}

# For the 4.x broker's log4j 2 and the 3.9 broker's reload4j.
LOG4J2 = """<Configuration status="OFF"><Appenders><Console name="out"><PatternLayout pattern="%d %p %m (%c)%n"/></Console>
</Appenders><Loggers><Root level="ERROR"><AppenderRef ref="out"/></Root></Loggers></Configuration>
"""
RELOAD4J = """log4j.rootLogger=ERROR, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n
"""


def secured(users):
    """Ports and settings of a broker that knows users by password and rights: (plain port, port for users, settings).

    The plain listener may do everything; whoever comes by the other one may do only what allow() gave."""
    plain, controller, sasl = _free_ports(3)
    passwords = " ".join(f'user_{name}="{password}"' for name, password in users.items())
    return plain, sasl, {
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{sasl}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config":
            f"org.apache.kafka.common.security.plain.PlainLoginModule required {passwords};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }


class Certificates:
    """A CA, and what it signed, as PEM files in a folder: the broker's certificate with its key, and clients' ones. Made by openssl."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._authority("ca")

    def path(self, name):
        return self.directory / name

    def text(self, name):
        return self.path(name).read_text()

    def _openssl(self, *args):
        done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {args[0]}: {done.stderr}")

    def _authority(self, name):
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2,
                      "-subj", f"/CN={name}", "-keyout", self.path(f"{name}.key"), "-out", self.path(f"{name}.pem"))

    def another_authority(self, name):
        """A CA of its own: (path of its certificate)"""
        self._authority(name)
        return self.path(f"{name}.pem")

    def sign(self, name, common_name, hosts=(), authority="ca"):
        """NAME.pem and NAME.key, a key without a password."""
        request, extensions = self.path(f"{name}.csr"), self.path(f"{name}.ext")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={common_name}",
                      "-keyout", self.path(f"{name}.key"), "-out", request)
        extensions.write_text("basicConstraints=CA:FALSE\n" + (f"subjectAltName={','.join(hosts)}\n" if hosts else ""))
        self._openssl("x509", "-req", "-in", request, "-CA", self.path(f"{authority}.pem"), "-CAkey", self.path(f"{authority}.key"),
                      "-set_serial", int.from_bytes(os.urandom(8), "big"), "-days", 2, "-extfile", extensions,
                      "-out", self.path(f"{name}.pem"))

    def locked(self, name, password):
        """NAME's key behind a password: its path."""
        out = self.path(f"{name}.locked.key")
        self._openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", self.path(f"{name}.key"), "-passout", f"pass:{password}", "-out", out)
        return out


SECURE_LISTENERS = ("SSL", "SASL_PLAINTEXT", "SASL_SSL")


def fortified(certificates):
    """Ports by listener, and settings, of a broker that is reached in each way: PLAINTEXT, where everything may be done; SSL, with a
    client's certificate, whose CN is the user; SASL_PLAINTEXT and SASL_SSL, with a password by SCRAM-SHA-512 (Broker's `users`).
    Its certificate is for 127.0.0.1 and no other name."""
    certificates.sign("broker", "broker", ["IP:127.0.0.1"])
    keystore = certificates.path("broker.keystore.pem")
    keystore.write_text(certificates.text("broker.key") + certificates.text("broker.pem"))
    controller, *free = _free_ports(2 + len(SECURE_LISTENERS))
    ports = dict(zip(("PLAINTEXT", *SECURE_LISTENERS), free))
    addresses = ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())
    settings = {
        "listeners": f"{addresses},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": addresses,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listener.security.protocol.map": ",".join(f"{name}:{name}" for name in ports) + ",CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "ssl.keystore.type": "PEM", "ssl.keystore.location": str(keystore),
        "ssl.truststore.type": "PEM", "ssl.truststore.location": str(certificates.path("ca.pem")),
        "listener.name.ssl.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    for name in ("sasl_plaintext", "sasl_ssl"):
        settings[f"listener.name.{name}.scram-sha-512.sasl.jaas.config"] = \
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return ports, settings


class Broker:
    """One Kafka broker. A context manager: started on entry, killed and removed on exit.

    `cpu` pins it to that core; `data_dir` is kept afterwards when given, and must be new. `settings` go before ours; `users` have passwords,
    by SCRAM-SHA-512. Not for several threads at once."""

    def __init__(self, version=DEFAULT_VERSION, data_dir=None, heap="768m", cpu=None, settings=None, port=0, users=None):
        self.version = version
        self.keep = data_dir is not None
        self.data_dir = pathlib.Path(data_dir) if data_dir else pathlib.Path(tempfile.mkdtemp(prefix="tidemark-kafka."))
        self.heap = heap
        self.cpu = cpu
        self.settings = dict(settings or {})
        self.port = port  # 0: a free one
        self.users = dict(users or {})
        self.process = None

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def start(self, wait=True):
        """Starts it, on the same port and data as before if it ran before, and waits until it answers as a live broker."""
        if self.process and self.process.poll() is None:
            raise RuntimeError("the broker runs already")
        check_java()
        jars = fetch(self.version)
        if not (self.data_dir / "server.properties").exists():
            self._format(jars)
        command = self._java(jars, "kafka.Kafka") + [str(self.data_dir / "server.properties")]
        if self.cpu is not None:
            command = ["taskset", "-c", str(self.cpu)] + command
        log = open(self.data_dir / "broker.log", "ab")
        with log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            start_new_session=True)
        if wait:
            self.wait_ready()
        return self

    def _format(self, jars):
        self.data_dir.mkdir(parents=True, exist_ok=True)
        free, controller = _free_ports(2)
        self.port = self.port or free
        values = dict(SETTINGS)
        values.update({
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(self.data_dir / "log"),
        })
        values.update(self.settings)
        (self.data_dir / "server.properties").write_text("".join(f"{k}={v}\n" for k, v in values.items()))
        (self.data_dir / "log4j2.xml").write_text(LOG4J2)
        (self.data_dir / "log4j.properties").write_text(RELOAD4J)
        cluster_id = (os.urandom(16).hex())[:22]
        done = subprocess.run(
            self._java(jars, "kafka.tools.StorageTool") +
            ["format", "--cluster-id", cluster_id, "--config", str(self.data_dir / "server.properties")] +
            [word for name, password in self.users.items()
             for word in ("--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]")],
            capture_output=True, text=True, timeout=START_TIMEOUT_S)
        if done.returncode != 0:
            raise RuntimeError(f"the broker's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _java(self, jars, main):
        return ["java", f"-Xmx{self.heap}", "-Xms256m", "-XX:+UseG1GC",
                f"-Dlog4j2.configurationFile={self.data_dir / 'log4j2.xml'}",
                f"-Dlog4j.configuration=file:{self.data_dir / 'log4j.properties'}", "-Djava.awt.headless=true",
                "-cp", f"{jars}/*", main]

    def wait_ready(self, timeout_s=START_TIMEOUT_S):
        deadline = time.monotonic() + timeout_s
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"the broker exited with {self.process.returncode}:\n{self.log_tail()}")
            try:
                if brokers_in_metadata(self.port) > 0:
                    return self
            except (OSError, struct.error):
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"the broker does not answer:\n{self.log_tail()}")
            time.sleep(0.05)

    def log_tail(self, lines=20):
        path = self.data_dir / "broker.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def stop(self, timeout_s=60):
        """An orderly stop (SIGTERM); data and port stay."""
        self._end(signal.SIGTERM, timeout_s)

    def kill(self):
        """kill -9; data and port stay."""
        self._end(signal.SIGKILL, 30)

    def _end(self, how, timeout_s):
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def restart(self, kill=False):
        self.kill() if kill else self.stop()
        return self.start()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        self.kill()
        if not self.keep:
            shutil.rmtree(self.data_dir, ignore_errors=True)


# ---- The command line

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["fetch", "start", "stop"])
    parser.add_argument("--version", default=DEFAULT_VERSION)
    parser.add_argument("--data", help="data folder; default: a new temporary one")
    parser.add_argument("--heap", default="768m")
    parser.add_argument("--cpu", help="cores for taskset")
    args = parser.parse_args()
    try:
        if args.command == "fetch":
            print(fetch(args.version))
        elif args.command == "start":
            data = args.data or tempfile.mkdtemp(prefix="tidemark-kafka.")
            broker = Broker(args.version, data, args.heap, args.cpu).start()
            state = {"pid": broker.process.pid, "bootstrap": broker.bootstrap}
            (pathlib.Path(data) / "running.json").write_text(json.dumps(state))
            print(broker.bootstrap, broker.process.pid, data)
        else:
            _stop_recorded(args.data)
    except KafkaUnavailable as error:
        sys.exit(f"kafka: unavailable: {error}")


def _stop_recorded(data):
    if not data:
        sys.exit("kafka: stop needs --data")
    path = pathlib.Path(data) / "running.json"
    pid = json.loads(path.read_text())["pid"]
    try:
        os.kill(pid, signal.SIGTERM)
        for _ in range(600):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        path.unlink()


if __name__ == "__main__":
    main()
