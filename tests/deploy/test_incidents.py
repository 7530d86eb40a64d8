"""Faults on a real Kafka, and the alert that names the cause: the shipped rules, sixty times as fast, on a real Prometheus
that scrapes the Tidemark to which the fault happens.

TidemarkLedgerOpen has no test here: nothing from outside brings it about, only a defect would. promtool fires its rule."""
import subprocess

import kafka
from disks import Filler, mount_tmpfs, sync_shim
from harness import Failed, free_port, long_test, wait_for
from prometheus import Alertmanager, program
from proxy import SlowProxy
from shop import Shop

FIRES_WITHIN_S = 60
CAUSES_OF_FAILED_CHECKPOINTS = {"TidemarkDiskFilling", "TidemarkCheckpointFailing", "TidemarkCheckpointSlow", "TidemarkSinkSlow"}
CAUSES_OF_LAG = {"TidemarkPartitionStuck", "TidemarkSinkSlow", "TidemarkStateGrowing", "TidemarkKafkaUnreachable", "TidemarkHotKey"}


def alerts(server, name):
    """Labels of those that fire."""
    found = server.get("/api/v1/alerts")["data"]["alerts"]
    return [one["labels"] for one in found if one["state"] == "firing" and one["labels"]["alertname"] == name]


def fires(server, name, within_s=FIRES_WITHIN_S, **labels):
    """Waits for that alert with these labels; answers what fires then."""
    def matches():
        return any(labels.items() <= one.items() for one in alerts(server, name))
    try:
        wait_for(matches, f"{name} with {labels}", within_s, 0.5)
    except Failed as error:
        raise Failed(f"{error}; {sorted(server.firing())} fire, of that name {alerts(server, name)}") from None
    return server.firing()


def all_is_well(server, process):
    """It reads, and no alert fires: what comes then, comes of the fault."""
    def reads():
        return process.running() and server.query("sum(rate(tidemark_records_read_total[5s])) > 0")
    wait_for(lambda: reads() and not server.firing(), "it reads, and nothing fires", 60, 0.5)


def test_a_partition_that_gives_nothing(env):
    """A producer leaves a transaction open in it: readers of committed data wait for its end."""
    program("prometheus")
    shop = Shop(env)
    process = shop.run(shop.job())
    shop.write(very_late=0)
    server = shop.watch(process)
    all_is_well(server, process)
    hang = shop.kit.command("transaction-hang", "somebody", "in", "--partition", 2, "--timeout-ms", 600_000)
    holder = subprocess.Popen(hang, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    env.stack.callback(holder.wait)
    env.stack.callback(holder.kill)
    firing = fires(server, "TidemarkPartitionStuck", partition="2", topic="in", pipeline="shop")
    assert firing & CAUSES_OF_LAG == {"TidemarkPartitionStuck"}, firing
    fires(server, "TidemarkWatermarkStuck", partition="2")
    holder.stdin.close()
    wait_for(lambda: "TidemarkPartitionStuck" not in server.firing(), "it is over once the transaction is", 60, 0.5)


@long_test
def test_a_quiet_partition_that_is_not_idle_yet(env):
    """One key fills one partition of two; the other one holds the watermark, and has no lag by which it would be stuck."""
    program("prometheus")
    shop = Shop(env, partitions=2)
    process = shop.run(shop.job())
    shop.write(keys=1, partitions=2, very_late=0)
    server = shop.watch(process)
    firing = fires(server, "TidemarkWatermarkStuck", pipeline="shop")
    holder, = alerts(server, "TidemarkWatermarkStuck")
    assert process.total("tidemark_position_offset", partition=holder["partition"]) == 0, holder
    assert "TidemarkPartitionStuck" not in firing, firing


def slow_broker(proxy):
    """One whose second listener is the proxy: the same cluster, reached slowly."""
    plain, controller, slow = free_port(), free_port(), free_port()
    proxy.target_port = slow
    return kafka.Broker(port=plain, settings={
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},SLOW://127.0.0.1:{slow},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SLOW://127.0.0.1:{proxy.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SLOW:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}"})


@long_test
def test_a_slow_sink(env):
    program("prometheus")
    proxy = SlowProxy(0, 0)
    env.stack.callback(proxy.close)
    shop = Shop(env, broker=slow_broker(proxy))
    proxy.start()
    job = shop.job(window=None, dedupe=None, sink_bootstrap=f"127.0.0.1:{proxy.port}")
    process = shop.run(job, memory="64MiB")
    server = shop.watch(process)
    shop.write(rate=5_000, poison=0, future=0)
    all_is_well(server, process)
    proxy.bytes_per_second = 100_000
    firing = fires(server, "TidemarkSinkSlow", 120, pipeline="shop")
    assert firing & CAUSES_OF_LAG == {"TidemarkSinkSlow"}, firing
    fires(server, "TidemarkBackpressure", pipeline="shop")
    proxy.bytes_per_second = 0


@long_test
def test_a_hot_key(env):
    """All records are of one user, and each costs so much that a backlog of them lasts."""
    program("prometheus")
    shop = Shop(env)
    shop.kit.generate("in", 1_500_000, keys=1, poison=0, future=0, very_late=0)
    ten = str(list(range(10)))
    costly = f"{ten}.all(a, {ten}.all(b, {ten}.all(c, a + b + c < size(event_id) + 100)))"
    server = shop.watch(shop.run(shop.job(map={"costly": (costly, None)})))
    firing = fires(server, "TidemarkHotKey", pipeline="shop", step="per_user")
    assert firing & CAUSES_OF_LAG == {"TidemarkHotKey"}, firing


@long_test
def test_state_that_only_grows(env):
    program("prometheus")
    shop = Shop(env)
    process = shop.run(shop.job(window=("tumbling", "24h", None), dedupe=None), memory="32MiB")
    server = shop.watch(process)
    shop.write(rate=15_000, keys=100_000_000, poison=0, future=0)
    firing = fires(server, "TidemarkStateGrowing", 240, pipeline="shop")
    assert firing & CAUSES_OF_LAG == {"TidemarkStateGrowing"}, firing


@long_test
def test_kafka_is_away_and_its_symptoms_are_kept_quiet(env):
    program("prometheus")
    shop = Shop(env)
    process = shop.run(shop.job())
    shop.write()
    server = shop.watch(process)
    all_is_well(server, process)
    shop.broker.stop()
    # Offsets that are being sent are waited for as long as a transaction may last, a minute here; only then it looks around.
    fires(server, "TidemarkKafkaUnreachable", 150, pipeline="shop")
    manager = Alertmanager(env, env.deploy / "prometheus" / "alertmanager.yml")
    for labels in [*alerts(server, "TidemarkKafkaUnreachable"), {**alerts(server, "TidemarkKafkaUnreachable")[0], "client": "both"}]:
        manager.add(**labels)
    manager.add(alertname="TidemarkNotAdvancing", kind="symptom", severity="critical", job="tidemark", pipeline="shop")
    wait_for(lambda: manager.named() == {"TidemarkKafkaUnreachable"}, "only the cause notifies", 20)


@long_test
def test_records_that_cannot_be_read_or_come_too_late(env):
    program("prometheus")
    shop = Shop(env)
    server = shop.watch(shop.run(shop.job(dedupe=None)))
    shop.write(poison=100_000, very_late=100_000)
    fires(server, "TidemarkDeadLetterBurnFast", 120, pipeline="shop", window="1h")
    fires(server, "TidemarkLateRatio", 120, pipeline="shop", step="per_user")


@long_test
def test_another_instance_takes_its_place(env):
    """The older process has another pipeline to go on with, and so tells that it was fenced."""
    program("prometheus")
    shop = Shop(env)
    shop.kit.create_topic("other", 1)
    other = shop.job(name="other")
    other.topic = "other"
    first = shop.run(shop.job(), other.write())
    server = shop.watch(first)
    second = shop.job()
    shop.run(second, state_dir=first.state_dir)
    fires(server, "TidemarkFenced", pipeline="shop")


@long_test
def test_a_process_that_has_gone(env):
    program("prometheus")
    shop = Shop(env)
    process = shop.run(shop.job())
    server = shop.watch(process)
    wait_for(lambda: server.query("tidemark_build_info"), "it was seen", 30)
    process.kill()
    fires(server, "TidemarkDown", instance=f"127.0.0.1:{process.port}")


def is_over(server, *names):
    wait_for(lambda: not server.firing() & set(names), f"{names} are over", 60, 0.5)


@long_test
def test_a_full_disk(env):
    """Two causes fire, and the one that explains the other is the disk's; both are over once there is room again."""
    program("prometheus")
    disk = env.directory / "disk"
    mount_tmpfs(disk, "64m")
    env.stack.callback(subprocess.run, ["umount", "-l", str(disk)])
    shop = Shop(env)
    process = shop.run(shop.job(every="500ms"), state_dir=disk / "state", memory="64MiB")
    server = shop.watch(process)
    shop.write()
    all_is_well(server, process)
    filler = Filler(disk / "filler")
    filler.start()
    fires(server, "TidemarkCheckpointFailing", pipeline="shop")
    fires(server, "TidemarkDiskFilling", instance=f"127.0.0.1:{process.port}")
    filler.free()
    is_over(server, *CAUSES_OF_FAILED_CHECKPOINTS)


@long_test
def test_a_folder_that_may_not_be_written(env):
    """Root is above modes, and so runs without the capability that makes it so. The symptoms come with the cause."""
    program("prometheus")
    shop = Shop(env)
    process = shop.run(shop.job(), prefix=("setpriv", "--bounding-set=-dac_override,-dac_read_search"))
    server = shop.watch(process)
    shop.write()
    all_is_well(server, process)
    folder = process.state_dir / "shop" / "checkpoints" / "all"
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    firing = fires(server, "TidemarkCheckpointFailing", pipeline="shop")
    assert firing & CAUSES_OF_FAILED_CHECKPOINTS == {"TidemarkCheckpointFailing"}, firing
    fires(server, "TidemarkCheckpointStale", pipeline="shop")
    fires(server, "TidemarkNotAdvancing", pipeline="shop")
    process.says("checkpoint_failed", "Permission denied")
    folder.chmod(mode)
    is_over(server, "TidemarkCheckpointFailing", "TidemarkCheckpointStale", "TidemarkNotAdvancing")


@long_test
def test_a_slow_disk(env):
    """Every sync takes its time; brokers are as fast as ever."""
    program("prometheus")
    shop = Shop(env)
    flag = env.directory / "syncs"
    process = shop.run(shop.job(every="200ms"), env=sync_shim(env.directory, flag))
    server = shop.watch(process)
    shop.write()
    all_is_well(server, process)
    flag.write_text("150")
    firing = fires(server, "TidemarkCheckpointSlow", pipeline="shop")
    assert firing & CAUSES_OF_FAILED_CHECKPOINTS == {"TidemarkCheckpointSlow"}, firing
    flag.unlink()
    is_over(server, "TidemarkCheckpointSlow")


@long_test
def test_a_process_that_dies_again_and_again(env):
    program("prometheus")
    shop, port = Shop(env), free_port()
    job = shop.job()
    process = shop.run(job, port=port)
    server = shop.watch(process)

    def start_time():
        return [at for _, at in server.query("process_start_time_seconds")]

    seen = wait_for(start_time, "it was seen", 30)
    for _ in range(3):
        process.kill()
        process = shop.start(job, port=port)
        seen = wait_for(lambda: start_time() != seen and start_time(), "its next start was seen", 30, 0.2)
    fires(server, "TidemarkRestarting", instance=f"127.0.0.1:{port}")
    is_over(server, "TidemarkRestarting")  # once it stays


@long_test
def test_pipelines_that_do_not_run(env):
    """One finds another's offsets in its group and gives up; one waits for a topic that nobody makes."""
    program("prometheus")
    shop = Shop(env)
    refused, waiting = shop.job(name="refused"), shop.job(name="waiting", pattern="^nobody-makes-it$")
    shop.kit.set_offsets("refused", "in", {partition: 1 for partition in range(4)}, "somebody-else")
    server = shop.watch(shop.start(refused, waiting.write()))
    fires(server, "TidemarkPipelineFailed", pipeline="refused")
    fires(server, "TidemarkNotRunning", pipeline="waiting")


@long_test
def test_records_that_are_gone(env):
    """The log was cut while nobody read, and somebody goes on over the gap: on another port, as a pod with another address."""
    program("prometheus")
    shop = Shop(env)
    shop.kit.generate("in", 4_000)
    shop.run(shop.job()).wait_caught_up(shop.kit).stop()
    shop.kit.generate("in", 4_000, seed=2)
    shop.kit.run("delete-records", "in", f"1={shop.kit.ends('in')[1][1]}")
    process = shop.run(shop.job(), "--accept-loss")
    server = shop.watch(process)
    fires(server, "TidemarkRecordsLost", partition="1", topic="in", instance=f"127.0.0.1:{process.port}")
    assert not {one["partition"] for one in alerts(server, "TidemarkRecordsLost")} - {"1"}
