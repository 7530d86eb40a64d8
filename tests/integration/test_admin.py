"""The admin port: pipelines that are told to pause, resume, checkpoint and drain, and who is not let in."""
import time

from harness import TUMBLING, free_port, wait_for


def positions(env, job):
    return {p: one["offset"] for p, one in env.kit.offsets(job.name, job.topic).items()}


def pause(process):
    status, told = process.ask("pause")
    assert status in (200, 202) and told["wanted"] == "paused", (status, told)
    return process.wait_state("paused")


def resume(process):
    status, told = process.ask("resume")
    assert status == 202 and told["wanted"] == "running", (status, told)
    return process.wait_state("running")


def test_pauses_and_kills_lose_and_double_nothing(env):
    """Under load, so that what is committed at a pause is somewhere in the midst of things."""
    job = env.job(window=TUMBLING, every="300ms")
    process = env.run(job, "--threads", 2, admin=True).wait_ready()
    writing = env.kit.generate_in_background(job.topic, 120_000, keys=5_000, rate=15_000)
    time.sleep(1)
    pause(process)
    assert process.ask("pause")[0] == 200, "who asks twice is told that it is so"
    assert process.get("/livez")[0] == 200
    status, why = process.get("/readyz")
    assert status == 503 and f"{job.name} is paused" in why, (status, why)
    assert process.total("tidemark_pipeline_state", pipeline=job.name, state="paused") == 1
    lags = [name for name, _ in process.metrics() if name.startswith("tidemark_consumer_lag")]
    assert not lags, f"of what nobody reads nobody knows the lag: {lags}"
    before = positions(env, job)
    time.sleep(2)
    assert positions(env, job) == before, "a paused pipeline commits nothing more"
    assert process.shown()["ledger"]["closed"] is True
    assert "asked" in process.output() and " paused " in process.output()
    resume(process)
    wait_for(lambda: positions(env, job) != before, "it goes on")
    pause(process)
    process.kill()
    process = env.run(job, "--threads", 2, admin=True).wait_ready()  # a pause does not outlive its process
    pause(process)
    process.ask("resume")
    time.sleep(0.3)
    process.kill()
    process = env.run(job, admin=True).wait_ready()
    pause(process)
    process.stop()
    writing.join(60)
    env.run(job, until_end=True).wait(0)
    env.kit.verify(job)


def test_a_pipeline_can_be_paused_before_it_is_given_partitions(env):
    job = env.job(window=TUMBLING)
    env.kit.generate(job.topic, 2_000)
    process = env.run(job, admin=True)
    wait_for(lambda: process.running() and process.get("/livez")[0] == 200, "it answers")
    pause(process)
    resume(process).wait_caught_up(env.kit).stop()
    env.kit.verify(job, close="watermark")


def test_a_checkpoint_is_taken_when_asked_for(env):
    job = env.job(window=TUMBLING, every="3m")
    process = env.run(job, admin=True).wait_ready()
    env.kit.generate(job.topic, 2_000)
    wait_for(lambda: process.total("tidemark_consumer_lag", pipeline=job.name) == 0
             and process.total("tidemark_position_offset", pipeline=job.name) > 0, "all read")
    assert not env.kit.caught_up(job.name, job.topic)
    status, told = process.ask("checkpoint")
    assert status == 202, (status, told)
    process.wait_caught_up(env.kit, 20)
    wait_for(lambda: process.shown()["epoch"] > told["epoch"], "a later epoch is shown", 10)
    process.stop()
    env.kit.verify(job, close="watermark")


def test_one_of_two_pipelines_is_drained_and_another_process_takes_it_over(env):
    stays, goes = (env.job(name=f"{env.name}-{which}", window=TUMBLING) for which in ("stays", "goes"))
    for job in (stays, goes):
        env.kit.generate(job.topic, 2_000)
    process = env.run(stays, goes.write(), admin=True).wait_ready()
    status, told = process.ask("drain", goes.name)
    assert status == 202 and told["wanted"] == "drained", (status, told)
    process.wait_state("drained", goes.name)
    assert process.ask("drain", goes.name)[0] == 200
    for action in ("resume", "pause", "checkpoint"):
        status, told = process.ask(action, goes.name)
        assert status == 409 and "told to drain" in told["error"], (action, status, told)
    assert f"{goes.name} is drained" in process.get("/readyz")[1]
    assert process.get("/livez")[0] == 200
    other = env.run(goes, state_dir=process.state_dir).wait_ready()
    for job, its in ((stays, process), (goes, other)):
        env.kit.generate(job.topic, 2_000, seed=2)
        its.wait_caught_up(env.kit)
    assert process.shown(goes.name)["state"] == "drained"
    process.stop()
    other.stop()
    for job in (stays, goes):
        env.kit.verify(job, close="watermark")


def test_a_process_whose_pipelines_are_all_drained_stays(env):
    job = env.job(window=TUMBLING)
    process = env.run(job, admin=True).wait_ready()
    process.ask("drain")
    process.wait_state("drained")
    time.sleep(1)
    process.running()
    process.says("drained", "committed=true")
    process.stop()


def test_the_admin_port_answers_only_what_it_should(env):
    job = env.job()
    process = env.run(job, admin=True).wait_ready()
    assert process.ask("pause", "nobody")[0] == 404
    assert process.ask("stop")[0] == 404
    assert process.ask("pause", method="GET")[0] == 405
    assert process.ask("pause", headers={"Host": "evil.example"})[0] == 403
    assert process.ask("pause", headers={"Origin": "http://127.0.0.1"})[0] == 403
    assert process.ask("pause", headers={"Content-Type": "text/plain"})[0] == 415
    assert process.ask("pause", port=process.port)[0] == 405, "the ordinary port is to read"
    assert process.shown()["state"] == "running" and process.shown()["wanted"] == "running"
    assert process.ask("resume")[0] == 200
    taken = env.run(job, "--admin", f"127.0.0.1:{process.admin_port}", state_dir=job.directory / "other")
    taken.wait(2, 30).says("port is in use", "--admin")
    open_to_all = env.run(job, "--admin", f"0.0.0.0:{free_port()}", state_dir=job.directory / "other")
    open_to_all.wait(2, 30).says("--admin", "other machines")
    process.stop()
