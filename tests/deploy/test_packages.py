"""The Debian package, its unit, its completion and its manual page: built twice, installed, upgraded and removed in a root of
its own, and run there as the unit runs it."""
import configparser
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import threading

import kafka
from harness import Failed, Kit, free_port, long_test, skip, wait_for
from packages import OverlayRoot, build_deb

EXPOSURE_AT_MOST = 1.5  # of 10, as systemd-analyze counts
_BUILDING = threading.Lock()
_BUILT = {}


def deb(env, version=None):
    """Built once for all tests of this run."""
    with _BUILDING:
        if version not in _BUILT:
            _BUILT[version] = build_deb(env.tidemark, pathlib.Path(env.directory.parent) / f"deb-{version or 'own'}", version)
        return _BUILT[version]


def said_by(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def version_of(env):
    return said_by(env.tidemark, "version").split()[1]


# ---- The package

def test_the_package_is_whole_and_reproducible(env):
    first = deb(env)
    again = build_deb(env.tidemark, env.directory / "again")
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(again.read_bytes()).digest(), "two builds differ"
    fields = dict(re.findall(r"^(\S+): (.*)$", said_by("dpkg-deb", "-f", first), re.M))
    assert fields["Version"] == version_of(env)
    linked = {"librdkafka", "librocksdb", "libyaml-cpp", "libc6", "libstdc++6", "libmimalloc"}
    missing = [name for name in linked | {"ca-certificates", "tzdata"} if name not in fields["Depends"]]
    assert not missing, f"{missing} are not in {fields['Depends']}"
    tree = env.directory / "tree"
    said_by("dpkg-deb", "-x", first, tree)
    files = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    wanted = {"usr/bin/tidemark", "usr/lib/systemd/system/tidemark@.service", "usr/share/man/man1/tidemark.1.gz",
              "usr/share/bash-completion/completions/tidemark", "usr/share/doc/tidemark/copyright"}
    assert wanted <= files, wanted - files
    assert said_by(tree / "usr/bin/tidemark", "version") == said_by(env.tidemark, "version")
    assert all("root/root" in line for line in said_by("dpkg-deb", "-c", first).splitlines())


def words_of_help(env):
    """{command: its options}, as the binary tells them."""
    commands = re.search(r"^Commands:\n((?:  .*\n)+)", said_by(env.tidemark, "--help"), re.M)[1]
    names = re.findall(r"^  ([a-z]+) ", commands, re.M)
    return {name: re.findall(r"^ +(?:-h,)?(--[a-z-]+)", said_by(env.tidemark, name, "--help"), re.M) for name in names}


def test_the_manual_page_has_every_command_and_option(env):
    page = said_by(sys.executable, env.deploy / "debian" / "manpage.py", env.tidemark)
    plain = page.replace("\\-", "-")
    words = words_of_help(env)
    assert {"run", "health", "validate"} <= set(words) and "--state-dir" in words["run"], words
    for command, options in words.items():
        part = plain[plain.index(f".SS tidemark {command} "):] if f".SS tidemark {command} " in plain else ""
        assert part, f"the page has no {command}"
        part = part[:part.find("\n.SS ", 1)]
        for option in set(options) - {"--help"}:
            assert option in part, f"the page does not say {command} {option}"
    assert str(pathlib.Path.home()) not in page, "it names a folder of this machine"
    if shutil.which("man") and shutil.which("groff"):
        (env.directory / "tidemark.1").write_text(page)
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(env.directory / "tidemark.1")],
                              capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "100"})
        assert done.returncode == 0 and not done.stderr, done.stderr


def completed(env, *words):
    script = f"source {env.deploy / 'debian' / 'tidemark.bash-completion'}; COMP_WORDS=({shlex.join(words)}); " \
             f"COMP_CWORD={len(words) - 1}; _tidemark; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    found = said_by("bash", "-c", script, cwd=env.directory)
    return sorted(found.split())


def test_the_shell_completes_commands_options_and_files(env):
    binary = str(env.tidemark)
    words = words_of_help(env)
    assert completed(env, binary, "") == sorted(words)
    assert completed(env, binary, "he") == ["health"]
    for command, options in words.items():
        assert completed(env, binary, command, "--") == sorted(options), command
    assert completed(env, binary, "run", "--acc") == ["--accept-loss"]
    (env.directory / "a.yaml").touch()
    (env.directory / "b.txt").touch()
    (env.directory / "c").mkdir()
    assert completed(env, binary, "run", "") == ["a.yaml", "c/"]
    assert completed(env, binary, "run", "--log-format", "") == ["json", "text"]
    assert completed(env, binary, "run", "--instance", "") == []


# ---- The unit

def unit(env):
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read_string((env.deploy / "debian" / "tidemark@.service").read_text())
    return parser["Service"]


def test_systemd_takes_the_unit_and_finds_little_exposed(env):
    if not shutil.which("systemd-analyze"):
        skip("there is no systemd-analyze")
    root = env.directory / "root"
    said_by("dpkg-deb", "-x", deb(env), root)
    for target in ("network-online", "multi-user", "basic", "sysinit", "shutdown"):
        (root / f"usr/lib/systemd/system/{target}.target").write_text("[Unit]\nDescription=a stand-in\n")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", "tidemark@purchases.service"],
                          capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, f"{done.returncode} {done.stdout}{done.stderr}"
    instance = env.directory / "tidemark@purchases.service"
    shutil.copy(env.deploy / "debian" / "tidemark@.service", instance)
    said = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(instance)],
                          capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    score = re.search(r"exposure level for \S+: ([0-9.]+)", said.stdout)
    assert score, said.stdout + said.stderr
    assert float(score[1]) <= EXPOSURE_AT_MOST, said.stdout
    stated = re.search(r"exposure level of ([0-9.]+)", (env.root / "docs" / "deploy.md").read_text())
    assert stated and (stated[1] == score[1] or not said_by("systemd-analyze", "--version").startswith("systemd 252 ")), \
        f"docs/deploy.md states {stated and stated[1]}, systemd 252 says {score[1]}"


class Installed:
    """The package in a root of its own, with one pipeline as its unit would run it."""

    def __init__(self, env, root, bootstrap):
        self.env, self.root, self.port, self.process = env, root, free_port(), None
        root.put("/etc/tidemark/purchases.yaml", (env.root / "examples" / "purchases.yaml").read_bytes())
        self.environment = {"KAFKA_BROKERS": bootstrap, "TIDEMARK_HTTP": f"127.0.0.1:{self.port}",
                            "TIDEMARK_OPTIONS": "--threads=2", "STATE_DIRECTORY": "/var/lib/tidemark",
                            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def words(self, line):
        """As systemd makes words of a command: a bare $NAME is split, one in braces is not."""
        for word in line.replace("%i", "purchases").split():
            bare = re.fullmatch(r"\$([A-Z_]+)", word)
            yield from self.environment[bare[1]].split() if bare else [
                re.sub(r"\$\{([A-Z_]+)\}", lambda name: self.environment[name[1]], word)]

    def start(self):
        """ExecStart with what the unit takes away: another user, no capability, none to gain, a root that is read-only but for
        the state."""
        service = unit(self.env)
        inside = f"mount -o remount,bind,ro / && exec setpriv --reuid={service['User']} --regid={service['Group']} " \
                 "--clear-groups --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs " \
                 f"{shlex.join(self.words(service['ExecStart']))}"
        state = self.root.path / "var/lib/tidemark"
        script = f"mount --bind {state} {state} && exec chroot {self.root.path} sh -c {shlex.quote(inside)}"
        self.log = open(self.env.directory / "log", "ab")
        self.process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], stderr=self.log,
                                        env=self.environment)
        self.env.stack.callback(self.process.kill)
        return self

    def health(self, *options):
        return self.root.run("tidemark", "health", f"--http=127.0.0.1:{self.port}", *options, may_fail=True)

    def wait_ready(self):
        def over_or_ready():
            return self.process.poll() is not None or self.health("--ready").returncode == 0

        wait_for(over_or_ready, "ready", 60, 0.3)
        if self.process.poll() is not None:
            raise Failed(f"it ended: {(self.env.directory / 'log').read_text()[-2000:]}")
        return self

    def stop(self):
        self.process.terminate()
        code = self.process.wait(60)
        assert code == 0, f"exit {code}: {(self.env.directory / 'log').read_text()[-2000:]}"


def make_topics(kit):
    for topic, count in (("shop.events", 4), ("features.purchases", 2), ("shop.events.late", 1), ("shop.events.dead", 1)):
        kit.create_topic(topic, count)


def test_the_package_installs_runs_upgrades_and_goes(env):
    """On a real Kafka: installed, run as the unit runs it, upgraded while records come, removed. The rows come once."""
    broker = env.stack.enter_context(kafka.Broker(kafka.DEFAULT_VERSION))
    root = env.stack.enter_context(OverlayRoot())
    kit = Kit(env.testkit, broker.bootstrap)
    make_topics(kit)
    for version, path in ((None, "old.deb"), ("9.9", "new.deb")):
        root.put(f"/root/{path}", deb(env, version).read_bytes())
    root.run("dpkg", "-i", "/root/old.deb")
    assert root.run("id", "-u", "tidemark").stdout.strip() not in ("", "0")
    root.run("install", "-d", "-o", "tidemark", "-g", "tidemark", "-m", "0750", "/var/lib/tidemark")  # as StateDirectory does

    service = Installed(env, root, broker.bootstrap).start().wait_ready()
    status = pathlib.Path(f"/proc/{service.process.pid}/status").read_text()
    fields = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.M))
    assert fields["Name"] == "tidemark" and "0" not in fields["Uid"].split(), status
    assert all(int(fields[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")), status
    assert fields["NoNewPrivs"] == "1", status

    events = said_by("bash", env.deploy / "compose" / "shop.sh", 3000).splitlines()
    kit.produce([{"topic": "shop.events", "value": line} for line in events[:1500]])
    wait_for(lambda: kit.caught_up("purchases-5m", "shop.events"), "the first half is committed", 60, 0.5)
    service.stop()
    root.run("dpkg", "-i", "/root/new.deb")
    assert root.run("dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", "tidemark").stdout == "9.9 installed"
    service.start().wait_ready()
    kit.produce([{"topic": "shop.events", "value": line} for line in events[1500:]])
    wait_for(lambda: kit.caught_up("purchases-5m", "shop.events"), "all is committed", 60, 0.5)
    service.stop()
    broken = kit.consume("shop.events.dead")
    assert len(broken) == 30, f"{len(broken)} dead letters of 30 broken events"
    root.run("dpkg", "-r", "tidemark")
    assert not (root.path / "usr/bin/tidemark").exists()
    left = root.run("dpkg", "-P", "tidemark").stderr
    assert "is left as it is" in left and any((root.path / "var/lib/tidemark").iterdir()), left


class Booted:
    """systemd as the first process of a container over a root of its own; it shares the network."""

    def __init__(self, env, root):
        root.release("proc", "dev", "sys", "run", "tmp")
        root.put("/etc/machine-id", "")
        with open(env.directory / "boot.log", "wb") as log:
            self.nspawn = subprocess.Popen(["systemd-nspawn", "--boot", "--quiet", "--register=no", "--keep-unit", "--console=pipe",
                                            "--machine=tidemark-test", f"--directory={root.path}"],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        env.stack.callback(self.end)
        wait_for(self.state, f"systemd is up, see {log.name}", 60, 0.5)

    def first(self):
        return said_by("pgrep", "-P", self.nspawn.pid).split()[0]

    def state(self):
        try:
            return "running" in self.run("systemctl is-system-running || true")
        except (Failed, subprocess.TimeoutExpired):
            return False

    def run(self, script):
        return said_by("nsenter", "-t", self.first(), "-a", "--", "/bin/sh", "-c", script)

    def show(self, unit, name):
        return self.run(f"systemctl show -p {name} --value {unit}").strip()

    def end(self):
        if self.nspawn.poll() is None:
            subprocess.run(["kill", "-9", self.first()], check=False)
        self.nspawn.kill()
        self.nspawn.wait()


@long_test
def test_systemd_starts_upgrades_and_stops_it(env):
    """The unit with all that it takes away, under a real systemd."""
    if not shutil.which("systemd-nspawn"):
        skip("there is no systemd-nspawn: install Debian's systemd-container")
    broker = env.stack.enter_context(kafka.Broker(kafka.DEFAULT_VERSION))
    root = env.stack.enter_context(OverlayRoot())
    kit = Kit(env.testkit, broker.bootstrap)
    make_topics(kit)
    port = free_port()
    for version, path in ((None, "old.deb"), ("9.9", "new.deb")):
        root.put(f"/root/{path}", deb(env, version).read_bytes())
    root.put("/etc/tidemark/purchases.yaml", (env.root / "examples" / "purchases.yaml").read_bytes())
    root.put("/etc/tidemark/purchases.env", f"KAFKA_BROKERS={broker.bootstrap}\nTIDEMARK_HTTP=127.0.0.1:{port}\n", 0o600)
    root.put("/etc/tidemark/broken.yaml", "name: broken\n")
    booted = Booted(env, root)
    ours, health = "tidemark@purchases", f"tidemark health --ready --http=127.0.0.1:{port}"

    def ready():
        return booted.run(f"{health} || true").strip() == "ok"

    booted.run("dpkg -i /root/old.deb && systemctl enable --now tidemark@purchases")
    wait_for(ready, "ready", 60, 0.5)
    before = booted.show(ours, "MainPID")
    events = said_by("bash", env.deploy / "compose" / "shop.sh", 2000).splitlines()
    kit.produce([{"topic": "shop.events", "value": line} for line in events])
    booted.run("dpkg -i /root/new.deb")
    wait_for(ready, "ready after the upgrade", 60, 0.5)
    after = booted.show(ours, "MainPID")
    assert after not in ("0", before), f"the upgrade did not restart it: {before} and {after}"
    assert booted.show(ours, "NRestarts") == "0", "it did not drain but die"
    fields = dict(re.findall(r"^(\w+):\s+(.*)$", booted.run(f"cat /proc/{after}/status"), re.M))
    assert "0" not in fields["Uid"].split() and int(fields["CapBnd"], 16) == 0 and fields["Seccomp"] == "2", fields
    wait_for(lambda: kit.caught_up("purchases-5m", "shop.events"), "all is committed", 60, 0.5)
    assert len(kit.consume("shop.events.dead")) == 20, "broken events came twice, or not at all"
    booted.run("systemctl start tidemark@broken || true")
    wait_for(lambda: booted.show("tidemark@broken", "ExecMainStatus") == "2", "it is refused", 20, 0.5)
    assert booted.show("tidemark@broken", "NRestarts") == "0", "a refusal is tried again"
    booted.run("dpkg -r tidemark")
    assert booted.show(ours, "ActiveState") == "inactive"
