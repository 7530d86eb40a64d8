"""Every way into Kafka on one real broker: rows are exact whatever secures the connection, what is wrong with credentials is
refused at start by its cause, and no secret is told anywhere."""
import concurrent.futures
import json
import secrets
import subprocess

import kafka
from harness import TUMBLING, Failed, wait_for

LAST_WITHOUT_STRICT_SCRAM = "3.9.1"
USER, PASSWORD, KEY_PASSWORD = "tide", "mark-me-5829", "key-word-5830"


class Fortress:
    """A broker with all listeners, a user who may do everything to topics, groups and transactions, and jobs that come as that user."""

    def __init__(self, env):
        self.env = env
        self.certificates = kafka.Certificates(env.directory / "certificates")
        self.certificates.sign("client", USER)
        self.certificates.locked("client", KEY_PASSWORD)
        # Before 2.6.1 librdkafka repeats its nonce in SCRAM, which Kafka lets pass before 4.0 only.
        self.start(None if env.librdkafka() >= (2, 6, 1) else LAST_WITHOUT_STRICT_SCRAM)
        self.allow(USER)

    def start(self, version, attempts=3):
        """Somebody may take one of five free ports before the broker does."""
        self.ports, settings = kafka.fortified(self.certificates)
        try:
            self.env.own_broker(version=version, port=self.ports["PLAINTEXT"], settings=settings, users={USER: PASSWORD})
        except RuntimeError as error:
            if attempts == 1 or "already in use" not in str(error):
                raise
            self.start(version, attempts - 1)

    def allow(self, user):
        plain = self.ports["PLAINTEXT"]
        kafka.allow(plain, user, "topic", "may-", "read", "write", "describe", prefixed=True)
        kafka.allow(plain, user, "group", "may-", "read", prefixed=True)
        kafka.allow(plain, user, "transactional_id", "tidemark-may-", "write", "describe", prefixed=True)

    def pem(self, name):
        return str(self.certificates.path(name))

    def tls(self, **more):
        return {"security.protocol": "ssl", "ssl.ca.location": self.pem("ca.pem"), **more}

    def certificate(self, **more):
        return self.tls(**{"ssl.certificate.location": self.pem("client.pem"), "ssl.key.location": self.pem("client.locked.key"),
                           "ssl.key.password": KEY_PASSWORD, **more})

    def password(self, protocol="sasl_plaintext", **more):
        return {"security.protocol": protocol, "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": USER, "sasl.password": PASSWORD, **more}

    def both(self, **more):
        return self.password("sasl_ssl", **{"ssl.ca.location": self.pem("ca.pem"), **more})

    def job(self, name, listener, properties, host="127.0.0.1", insecure=False):
        job = self.env.job(name=name, window=TUMBLING, properties=properties)
        self.env.kit.generate(job.topic, 2_000)
        job.bootstrap = f"{host}:{self.ports[listener]}"
        return with_words(job, insecure) if insecure else job


def with_words(job, insecure):
    """The same file with `insecure` beside the source's properties."""
    text = json.loads(job.yaml())
    text["sources"]["events"]["kafka"]["insecure"] = insecure
    job.yaml = lambda: json.dumps(text)
    return job


def exact_rows(fortress):
    """(name, call) for each way in."""
    ways = {"plaintext": ("PLAINTEXT", {}), "certificate": ("SSL", fortress.certificate()),
            "password": ("SASL_PLAINTEXT", fortress.password()), "both": ("SASL_SSL", fortress.both())}

    def check(name, listener, properties):
        job = fortress.job(f"may-{name}", listener, properties)
        fortress.env.run(job, until_end=True).wait()
        fortress.env.kit.verify(job)

    def unverified():
        """A name that is not in the certificate is taken only where the file says so."""
        properties = fortress.both(**{"ssl.endpoint.identification.algorithm": "none"})
        job = fortress.job("may-unverified", "SASL_SSL", properties, host="localhost", insecure=True)
        fortress.env.run(job, until_end=True).wait().says("not for production")
        fortress.env.kit.verify(job)

    return [(name, lambda name=name, way=way: check(name, *way)) for name, way in ways.items()] + [("unverified", unverified)]


def refusals(fortress):
    """(name, call) for each mistake: exit code 2, and the cause by name."""
    other_ca = str(fortress.certificates.another_authority("other-ca"))
    fortress.certificates.sign("stranger", USER, authority="other-ca")
    stranger = {"ssl.certificate.location": fortress.pem("stranger.pem"), "ssl.key.location": fortress.pem("stranger.key")}
    mistakes = {
        "wrong-password": ("SASL_PLAINTEXT", fortress.password(**{"sasl.password": "forgotten-1"}), ["authentication failed", "sasl.*"]),
        "wrong-password-tls": ("SASL_SSL", fortress.both(**{"sasl.password": "forgotten-2"}), ["authentication failed", "sasl.*"]),
        "wrong-mechanism": ("SASL_PLAINTEXT", fortress.password(**{"sasl.mechanism": "PLAIN"}), ["sasl mechanism", "sasl.*"]),
        "untrusted-ca": ("SASL_SSL", fortress.both(**{"ssl.ca.location": other_ca}), ["certificate verify failed", "`ssl.ca.location`"]),
        "another-host": ("SASL_SSL", fortress.both(), ["certificate verify failed", "under a name that is in it"]),
        "no-certificate": ("SSL", fortress.tls(), ["alert", "`ssl.certificate.location`"]),
        "untrusted-certificate": ("SSL", fortress.tls(**stranger), ["alert", "`ssl.certificate.location`"]),
        "wrong-key-password": ("SSL", fortress.certificate(**{"ssl.key.password": "forgotten-3"}), ["ssl.key"]),
        "no-such-ca": ("SASL_SSL", fortress.both(**{"ssl.ca.location": "/no/such/ca.pem"}), ["/no/such/ca.pem"]),
    }

    def check(name, listener, properties, words):
        job = fortress.job(f"may-{name}", listener, properties, host="localhost" if name == "another-host" else "127.0.0.1")
        process = fortress.env.run(job).wait(2, 60)
        process.says(*words)
        told = [word for word in (PASSWORD, KEY_PASSWORD, "forgotten") if word in process.output()]
        assert not told, f"{name}: the log tells {told}"

    def no_rights():
        job = fortress.job("must-not", "SSL", fortress.certificate())
        fortress.env.run(job).wait(2, 60).says("authoriz", "must-not.in")

    return [(name, lambda name=name, it=it: check(name, *it)) for name, it in mistakes.items()] + [("no-rights", no_rights)]


def all_of(calls, at_once=3):
    """Each in its turn, a few at a time; tells all that fail."""
    wrong = []
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for name, done in [(name, pool.submit(call)) for name, call in calls]:
            try:
                done.result()
            except BaseException as error:  # noqa: told with the others
                wrong.append(f"{name}: {error}")
    if wrong:
        raise Failed("\n".join(wrong))


def test_every_way_into_kafka(env):
    fortress = Fortress(env)
    all_of(exact_rows(fortress) + refusals(fortress))
    secrets_are_told_to_nobody(fortress)


# ---- Secrets

class Marked:
    """Secrets that are found again wherever they come out: by reference to the environment, one for each property that may hold
    one, of the source and of the sinks."""

    def __init__(self):
        self.environment, self.marks, self.count = {}, [], 0

    def reference(self, secret=None):
        """What the file says for it."""
        self.count += 1
        secret = secret or f"mark-{self.count}-{secrets.token_hex(8)}"
        self.marks += [line for line in secret.splitlines() if len(line) > 10 and "-----" not in line]
        self.environment[f"SECRET_{self.count}"] = secret
        return f"${{SECRET_{self.count}}}"

    def unused(self):
        """Properties that hold secrets and that nothing asks for."""
        return {name: self.reference() for name in ("ssl.keystore.password", "sasl.oauthbearer.config")}

    def check(self, where, text):
        told = [mark for mark in self.marks if mark in text]
        assert not told, f"{where} tells {len(told)} secrets: {[text[max(0, text.index(one) - 80):][:200] for one in told[:2]]}"


def login(fortress, marked):
    """Both kinds of credentials at once, from references alone."""
    locked = fortress.certificates.text("client.locked.key")
    return fortress.both(**{"sasl.password": marked.reference(PASSWORD), "ssl.key.pem": marked.reference(locked),
                            "ssl.key.password": marked.reference(KEY_PASSWORD),
                            "ssl.certificate.pem": "${CERTIFICATE}", "debug": "all", **marked.unused()})


def marked_job(fortress, name, marked, source, sink=None):
    """`sink`: the first sink's own properties, with brokers of its own."""
    job = fortress.job(f"may-{name}", "SASL_SSL", source)
    text = json.loads(job.yaml())
    for one in text["sinks"]:
        one["kafka"].update({"brokers": job.bootstrap, "properties": sink or source})
    job.yaml = lambda: json.dumps(text)
    return job


def command_output(fortress, marked, *args):
    done = subprocess.run([fortress.env.tidemark, *map(str, args)], capture_output=True, text=True, timeout=60,
                          env={**marked.environment, "PATH": "/usr/bin:/bin"})
    return done.returncode, done.stdout + done.stderr


PAGES = ("/", "/metrics", "/readyz", "/livez", "/api/v1/pipelines", "/api/v1/pipelines/{0}", "/api/v1/pipelines/{0}/plan",
         "/api/v1/pipelines/{0}/explain")


def works_and_tells_nothing(fortress, marked):
    job = marked_job(fortress, "marked", marked, login(fortress, marked), login(fortress, marked))
    process = fortress.env.run(job, "--log-level", "debug", env=marked.environment)
    process.wait_ready().wait_caught_up(fortress.env.kit)
    for page in PAGES:
        status, body = process.get(page.format(job.name))
        assert status == 200 and body, (page, status)
        marked.check(page, body)
    process.stop()
    assert "librdkafka" in process.output(), "librdkafka's own lines are not among the log's"
    marked.check("the log", process.output())
    for args in (("validate", job.file), ("explain", job.file), ("explain", job.file, "--json")):
        code, output = command_output(fortress, marked, *args)
        assert code == 0, (args, output)
        marked.check(args[0], output)
    fortress.env.kit.verify(job, close="watermark")


def fails_and_tells_nothing(fortress, marked):
    """Each secret wrong by itself: some are refused by librdkafka, some by the broker."""
    good = login(fortress, marked)
    wrong = {"password": {"sasl.password": marked.reference()}, "key-password": {"ssl.key.password": marked.reference()},
             "key": {"ssl.key.pem": marked.reference("-----BEGIN PRIVATE KEY-----\nbWFyay10aGF0LWlzLW5vLWtleQ\n-----END PRIVATE KEY-----")},
             "keystore": {"ssl.keystore.location": fortress.pem("client.pem")},
             "token": {"sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.config": marked.reference(),
                       "enable.sasl.oauthbearer.unsecure.jwt": "true"}}

    def check(name, change):
        job = marked_job(fortress, f"marked-{name}", marked, {**good, **change})
        text = json.loads(job.yaml())
        for one in (text["sources"]["events"], *text["sinks"]):
            one["kafka"]["insecure"] = name == "token"
        job.yaml = lambda: json.dumps(text)
        process = fortress.env.run(job, "--log-level", "debug", env=marked.environment)
        if name == "token":  # nothing but an outage can be told of it: the library asks for a token again and again
            wait_for(lambda: process.process.poll() is not None or "not_connected" in process.output(), "an error", 30)
            process.__exit__()
        else:
            process.wait(2, 60)
        marked.check(f"{name}: the log", process.output())

    return [(f"marked-{name}", lambda name=name, change=change: check(name, change)) for name, change in wrong.items()]


def invalid_files_tell_nothing(fortress, marked):
    """Each property misspelt, of a wrong shape, beside `properties`, and under another name; all errors at once."""
    job = marked_job(fortress, "invalid", marked, fortress.both())
    text = json.loads(job.yaml())
    secret = marked.reference
    wrong = {"sasl.pasword": secret(), "ssl.key.pasword": secret(), "sasl.jaas.config": secret(), "ssl.key.password": [secret()],
             "ssl.key.pem": {"pem": secret()}, "sasl.oauthbearer.client.secrets": secret(), "plugin.library.paths": secret(),
             "ssl.truststore.password": secret(), "password": secret(), "sasl.oauthbearer.client.secret": secret(),
             "sasl.oauthbearer.extensions": secret()}
    for one in (text["sources"]["events"], text["sinks"][0]):
        one["kafka"].update({"properties": wrong, "sasl_password": secret(), "sasl": {"password": secret()}})
        one["password"] = secret()
    job.file.write_text(json.dumps(text, indent=1))
    for command in ("validate", "explain", "run"):
        code, output = command_output(fortress, marked, command, job.file)
        assert code == 2 and "sasl.pasword" in output and "plugin.library.paths" in output, output
        marked.check(command, output)


def secrets_are_told_to_nobody(fortress):
    marked = Marked()
    marked.environment["CERTIFICATE"] = fortress.certificates.text("client.pem")
    works_and_tells_nothing(fortress, marked)
    invalid_files_tell_nothing(fortress, marked)
    all_of(fails_and_tells_nothing(fortress, marked))
