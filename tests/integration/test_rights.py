"""Credentials and rights, on a broker that asks for them: what is wrong is refused at start, by name, and is no outage."""
import kafka
from harness import TUMBLING, wait_for

USER, PASSWORD = "tide", "mark-me"


class Secured:
    """A broker of its own, and jobs that come to it as one user."""

    def __init__(self, env):
        self.plain, self.port, settings = kafka.secured({USER: PASSWORD})
        env.own_broker(port=self.plain, settings=settings)
        self.env = env

    def job(self, password=PASSWORD, **options):
        login = {"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": USER,
                 "sasl.password": password}
        job = self.env.job(window=TUMBLING, properties=login, **options)
        self.env.kit.generate(job.topic, 2_000)
        job.bootstrap = f"127.0.0.1:{self.port}"
        return job

    def allow(self, job, but=None):
        """All the rights that the operations manual names, but one."""
        rights = {"source": ("topic", job.topic, ["read", "describe"], False),
                  "group": ("group", job.name, ["read"], False),
                  "results": ("topic", job.out, ["write", "describe"], False),
                  "late": ("topic", job.late, ["write", "describe"], False),
                  "dead": ("topic", job.dead, ["write", "describe"], False),
                  "transactions": ("transactional_id", f"tidemark-{job.name}", ["write", "describe"], True)}
        assert but is None or but in rights, but
        for one, (resource, name, operations, prefixed) in rights.items():
            if one != but:
                kafka.allow(self.plain, USER, resource, name, *operations, prefixed=prefixed)


def test_the_named_rights_are_enough(env):
    secured = Secured(env)
    job = secured.job()
    secured.allow(job)
    env.run(job, until_end=True).wait()
    env.kit.verify(job)


def test_wrong_password_is_refused(env):
    secured = Secured(env)
    job = secured.job(password="forgotten")
    secured.allow(job)
    process = env.run(job).wait(2, 60)
    assert process.says("authentication")
    assert "forgotten" not in process.output(), "the log shows the password"


def test_missing_rights_are_refused(env):
    """One start for each right that is missing: each names the thing that may not be used."""
    secured = Secured(env)
    wrong = []
    for missing, name in (("source", ".in"), ("group", "group"), ("results", ".out"), ("dead", ".dead"),
                          ("transactions", "transactional")):
        job = secured.job(name=f"no-{missing}")
        secured.allow(job, but=missing)
        process = env.run(job)
        try:
            process.wait(2, 60).says("authoriz", name)
        except Exception as error:  # noqa: all of them are told at once
            wrong.append(f"{missing}: {error}")
            process.__exit__()
    assert not wrong, "\n".join(wrong)


def test_the_right_to_write(env):
    """Refused at start where it can be asked for. Where only writing shows it, the lack is told as what it is, and work
    goes on when the right is given."""
    secured = Secured(env)
    job = secured.job()
    secured.allow(job, but="results")
    kafka.allow(secured.plain, USER, "topic", job.out, "describe")
    process = env.run(job, until_end=True)
    if env.librdkafka() >= (2, 3, 0):  # from there on it can ask what a user may do
        process.wait(2, 60).says("authoriz", job.out)
        return
    wait_for(lambda: process.running() and "kafka_refused" in process.output(), "the reason", 60)
    process.says("authoriz", job.out)
    kafka.allow(secured.plain, USER, "topic", job.out, "write")
    process.wait()
    env.kit.verify(job)
