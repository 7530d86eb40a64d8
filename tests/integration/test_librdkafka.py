"""What must hold where librdkafka fetches: some of the other tests once more, with `fetch: librdkafka` in their files."""

import test_faults
import test_restarts
import test_results


class ThroughLibrdkafka:
    """An Env whose jobs say so."""

    def __init__(self, env):
        self._env = env

    def __getattr__(self, name):
        return getattr(self._env, name)

    def job(self, **how):
        return self._env.job(fetch="librdkafka", **how)


def test_librdkafka_kill_and_continue(env):
    test_restarts.test_kill_and_continue(ThroughLibrdkafka(env))


def test_librdkafka_finds_new_partitions(env):
    test_restarts.test_new_partitions_are_found(ThroughLibrdkafka(env))


def test_librdkafka_misses_records_that_are_gone(env):
    test_restarts.test_records_gone_before_they_were_read(ThroughLibrdkafka(env))


def test_librdkafka_reads_what_was_committed(env):
    test_results.test_transactional_input(ThroughLibrdkafka(env))


def test_librdkafka_keeps_refused_bytes(env):
    test_results.test_refused_records_keep_their_bytes(ThroughLibrdkafka(env))


def test_librdkafka_threads_and_lanes_do_not_matter(env):
    test_results.test_threads_and_lanes_do_not_matter(ThroughLibrdkafka(env))


def test_librdkafka_broker_restarted_under_load(env):
    test_faults.test_broker_restarted_under_load(ThroughLibrdkafka(env))


def test_librdkafka_slow_sink_slows_the_source(env):
    test_faults.test_a_slow_sink_slows_the_source(ThroughLibrdkafka(env))
