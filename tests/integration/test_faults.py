"""Processes and brokers that fail under load: who goes on, who gives way, and that the results stay exact."""
import contextlib
import time

from harness import SHORT_SESSION, SLIDING, TUMBLING, Failed, free_port, long_test, wait_for
from proxy import SlowProxy


def drain_and_verify(env, job, process=None):
    """To the end with whichever process is left, then the oracle."""
    if process and process.process.poll() is None:
        process.stop()
    env.run(job, until_end=True).wait(0)
    return env.kit.verify(job)


def fill_while_running(env, job, events, rate, **options):
    return env.kit.generate_in_background(job.topic, events, rate=rate, **options)


@contextlib.contextmanager
def goes_on_under_load(env, job, events, rate, **options):
    """Yields a process under load. What the caller does to it, it outlives: it catches up, and the results are exact."""
    load = fill_while_running(env, job, events, rate, **options)
    process = env.run(job).wait_ready()
    yield process
    load.join(180)
    process.wait_caught_up(env.kit, 180)
    drain_and_verify(env, job, process)


def ended_as_fenced(process, timeout_s=60):
    process.wait(1, timeout_s)
    process.says("fenced")


def test_two_instances_the_newer_wins(env):
    job = env.job(window=TUMBLING)
    load = fill_while_running(env, job, 40_000, 4_000)
    older = env.run(job, state_dir=job.directory / "shared.state").wait_ready()
    time.sleep(2)
    newer = env.run(job, state_dir=job.directory / "shared.state")
    ended_as_fenced(older)
    newer.wait_ready()
    load.join(120)
    newer.wait_caught_up(env.kit).stop()
    env.run(job, until_end=True, state_dir=job.directory / "shared.state").wait(0)
    env.kit.verify(job)


def test_two_stateless_instances_the_newer_wins(env):
    job = env.job(filter=[["event_type", "==", "purchase"]])
    load = fill_while_running(env, job, 40_000, 4_000)
    older = env.run(job, state_dir=job.directory / "shared.state").wait_ready()
    time.sleep(2)
    newer = env.run(job, state_dir=job.directory / "shared.state")
    ended_as_fenced(older)
    load.join(120)
    newer.wait_ready().wait_caught_up(env.kit).stop()
    env.kit.verify(job)


def test_frozen_beyond_its_session(env):
    """SIGSTOP longer than the session: it comes back into the group, or gives way; nothing is lost or doubled."""
    job = env.job(window=TUMBLING, properties=SHORT_SESSION)
    load = fill_while_running(env, job, 40_000, 4_000)
    process = env.run(job).wait_ready()
    time.sleep(2)
    process.freeze()
    time.sleep(10)
    process.thaw()
    load.join(120)
    try:
        process.wait_caught_up(env.kit)
    except Failed:
        ended_as_fenced(process, 1)
    drain_and_verify(env, job, process)


def frozen_while_a_successor_works(env, seconds):
    """The frozen one's transaction and commit must not count after the successor's start."""
    job = env.job(window=TUMBLING, properties=SHORT_SESSION)
    load = fill_while_running(env, job, 40_000, 4_000)
    frozen = env.run(job, state_dir=job.directory / "shared.state").wait_ready()
    time.sleep(2.5)
    frozen.freeze()
    successor = env.run(job, state_dir=job.directory / "shared.state").wait_ready()
    time.sleep(seconds)
    frozen.thaw()
    ended_as_fenced(frozen)
    load.join(120)
    successor.wait_caught_up(env.kit).stop()
    env.run(job, until_end=True, state_dir=job.directory / "shared.state").wait(0)
    env.kit.verify(job)


def test_frozen_while_a_successor_works(env):
    frozen_while_a_successor_works(env, 1)


def test_frozen_beyond_its_session_while_a_successor_works(env):
    """By its own clock its session is over when it wakes: it must not join anew and take the place back."""
    frozen_while_a_successor_works(env, 9)


def test_broker_restarted_under_load(env):
    broker = env.own_broker()
    job = env.job(window=SLIDING)
    with goes_on_under_load(env, job, 60_000, 4_000, events_per_minute=10_000):
        time.sleep(3)
        broker.restart()
        time.sleep(3)
        broker.restart(kill=True)


def test_broker_away_beyond_the_session(env):
    """The member's session ends meanwhile, and yet nobody took its place: it goes on by itself, not as fenced."""
    broker = env.own_broker()
    job = env.job(window=TUMBLING, properties=SHORT_SESSION, every="200ms")
    with goes_on_under_load(env, job, 30_000, 2_000):
        time.sleep(2)
        broker.kill()
        time.sleep(12)
        broker.start()


def test_broker_frozen_under_load(env):
    broker = env.own_broker()
    job = env.job(window=TUMBLING)
    with goes_on_under_load(env, job, 40_000, 4_000) as process:
        time.sleep(2)
        broker.pause()
        time.sleep(8)
        assert process.get("/livez")[0] == 200, "alive, whatever Kafka does"
        broker.resume()


def stopped_while_kafka_is_frozen(env, **options):
    """SIGTERM ends in time with a commit nobody answers; whether it counted, the next start finds out."""
    broker = env.own_broker()
    job = env.job(window=TUMBLING, every="100ms", **options)
    load = fill_while_running(env, job, 30_000, 2_000)
    for frozen_s in (0.05, 1.5):  # a commit under way, and one that has waited
        process = env.run(job).wait_ready()
        time.sleep(2)
        broker.pause()
        time.sleep(frozen_s)
        begun = time.monotonic()
        process.stop(15)
        print(f" ended {time.monotonic() - begun:.1f} s after SIGTERM ...", end="", flush=True)
        broker.resume()
    load.join(120)
    process = env.run(job).wait_ready().wait_caught_up(env.kit, 180)
    drain_and_verify(env, job, process)


def test_stopped_while_kafka_is_frozen(env):
    stopped_while_kafka_is_frozen(env)


def test_at_least_once_stopped_while_kafka_is_frozen(env):
    stopped_while_kafka_is_frozen(env, delivery="at_least_once")


def test_stopped_before_kafka_answers(env):
    """Frozen from the start: there is nothing to drain, and nothing to wait for."""
    broker = env.own_broker()
    job = env.job(window=TUMBLING)
    broker.pause()
    process = env.run(job)
    time.sleep(3)
    process.stop(15)
    broker.resume()


@long_test
def test_transaction_timed_out(env):
    """Frozen past the transaction's timeout, within the session: rewound in process, it goes on by itself."""
    job = env.job(window=TUMBLING, properties={"session.timeout.ms": 300_000})
    with goes_on_under_load(env, job, 40_000, 2_000) as process:
        time.sleep(3.3)
        process.freeze()
        time.sleep(75)
        process.thaw()


def test_partitioned_instances_share_the_work(env):
    """Two instances without an exchange: partitions move when one comes, goes and dies; shared checkpoints follow."""
    job = env.job(window=TUMBLING, partitioned_by=["user_id"], properties=SHORT_SESSION)
    shared = job.directory / "shared.state"
    load = fill_while_running(env, job, 80_000, 4_000)
    first = env.run(job, instance=0, state_dir=shared).wait_ready()
    time.sleep(3)
    second = env.run(job, instance=1, state_dir=shared).wait_ready()
    time.sleep(4)
    second.kill()
    time.sleep(9)  # its session ends, its partitions come back
    third = env.run(job, instance=2, state_dir=shared).wait_ready()
    load.join(180)
    wait_for(lambda: first.running() and third.running() and env.kit.caught_up(job.name, job.topic), "all committed", 180)
    third.stop()
    first.stop()
    time.sleep(8)
    env.run(job, instance=0, state_dir=shared, until_end=True).wait(0)
    env.kit.verify(job)


def through_a_slow_sink(env, bytes_per_second, **settings):
    """An own broker whose second listener is the proxy: the same cluster, reached slowly."""
    proxy = SlowProxy(0, bytes_per_second)
    plain, controller, slow = free_port(), free_port(), free_port()
    proxy.target_port = slow
    env.own_broker(settings={
        **settings,
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},SLOW://127.0.0.1:{slow},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SLOW://127.0.0.1:{proxy.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SLOW:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}"}, port=plain)
    return proxy.start()


def read_into_a_slow_sink(env, name, topic, proxy, memory):
    job = env.job(name=name, filter=[["event_id", "!=", ""]], sink_bootstrap=f"127.0.0.1:{proxy.port}")
    job.topic = topic
    return env.run(job, memory=memory).wait_ready()


def slow_sink_slows_the_source(env, events, slow_s):
    """A sink at a fraction of the source's speed: memory stays as it was promised, nothing is lost, SIGTERM still ends in
    time. With memory to spare the rows do pile up, so that the bound is one."""
    proxy = through_a_slow_sink(env, 400_000)
    promised = (64 + 64) << 20  # the budget, and what a process takes that keeps nothing
    topic = env.kit.create_topic(f"{env.name}.events")
    try:
        env.kit.generate(topic, events, duplicates=0)
        wasteful = read_into_a_slow_sink(env, f"{env.name}-wasteful", topic, proxy, "4GiB")
        wait_for(lambda: wasteful.running() and wasteful.peak_rss() > promised, "a process that takes what it may")
        wasteful.kill()
        process = read_into_a_slow_sink(env, env.name, topic, proxy, "64MiB")

        def lag():
            return process.running() and process.total("tidemark_consumer_lag", pipeline=env.name)
        wait_for(lag, "a lag", 20)
        lags, deadline = [], time.monotonic() + slow_s
        while time.monotonic() < deadline:
            lags.append(lag())
            time.sleep(1)
        assert min(lags) > 0, f"the sink was not slow: lags of {lags}"
        proxy.bytes_per_second = 0
        process.wait_caught_up(env.kit, max(180, events / 5_000))
        peak = process.peak_rss()
        print(f" peak RSS {peak >> 20} MiB with --memory 64MiB ...", end="", flush=True)
        assert peak <= promised, f"peak RSS {peak >> 20} MiB with --memory 64MiB; at most {promised >> 20} MiB was promised"
        process.stop()
        env.kit.verify(process.job)
    finally:
        proxy.close()


def test_a_slow_sink_slows_the_source(env):
    slow_sink_slows_the_source(env, 600_000, 8)


@long_test
def test_one_window_takes_longer_than_any_transaction(env):
    """The broker allows a minute, and the window's rows need almost two."""
    keys = 200_000
    proxy = through_a_slow_sink(env, 40_000, **{"transaction.max.timeout.ms": 60_000})
    try:
        job = env.job(window=TUMBLING, every="5s", lanes=1, late=None, dead=None, sink_bootstrap=f"127.0.0.1:{proxy.port}", aggregates=[
            {"name": "n", "kind": "count"}, {"name": "pieces", "kind": "sum", "field": "quantity"}])
        env.kit.run("generate-numbered", job.topic, "--events", keys, "--keys", keys)
        process = env.run(job, memory="32MiB", until_end=True)
        start = time.monotonic()
        process.wait(0, 600)
        assert time.monotonic() - start > 70, "the sink was not slow"
        print(env.kit.run("tally-numbered", job.out, "--events", keys, "--keys", keys).stdout.strip(), end=" ", flush=True)
    finally:
        proxy.close()


@long_test
def test_a_slow_sink_slows_the_source_for_long(env):
    slow_sink_slows_the_source(env, 3_000_000, 60)


def fires_longer_than_a_transaction(env, window, bytes_per_second):
    """One lane whose time jumps to the end: the rows that it then fires take longer to write than a transaction lasts."""
    proxy = through_a_slow_sink(env, bytes_per_second)
    try:
        job = env.job(window=window, lanes=1, max_delay="1d", partitions=1, sink_bootstrap=f"127.0.0.1:{proxy.port}")
        env.kit.generate(job.topic, 60_000, partitions=1, keys=40_000, events_per_minute=60_000)
        process = env.run(job, until_end=True, memory="32MiB").wait(0, timeout_s=420)
        env.kit.verify(job)
        return process
    finally:
        proxy.close()


@long_test
def test_windows_that_fire_longer_than_a_transaction(env):
    """Very many at once: barriers pass between them, so that no transaction holds all."""
    process = fires_longer_than_a_transaction(env, ("tumbling", "1s", None), 50_000)
    assert "rewinding" not in process.output(), process.facts()


@long_test
def test_a_window_that_fires_longer_than_a_transaction(env):
    """A single one cannot be cut: its transaction times out, and is given more time."""
    fires_longer_than_a_transaction(env, ("tumbling", "1h", None), 25_000).says("transaction was open for longer")


def test_fenced_by_another_program(env):
    """Somebody initialises our transactional.id once: the producer is made anew while the group still has this member."""
    job = env.job(window=TUMBLING)
    with goes_on_under_load(env, job, 30_000, 3_000):
        time.sleep(2)
        env.kit.run("fence", f"tidemark-{job.name}")  # the memory exchange: of the pipeline's name alone
