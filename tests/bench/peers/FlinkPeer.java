import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * Tumbling count and sum as Flink SQL in a local cluster of one slot: object reuse, incremental checkpoints on RocksDB,
 * watermarks per Kafka partition. Arguments: brokers, topic, output topic or `-`, events, checkpoint interval in ms, folder,
 * backend (hashmap or rocksdb).
 */
public final class FlinkPeer {
  public static void main(String[] args) throws Exception {
    String brokers = args[0], topic = args[1], output = args[2], folder = args[5], backend = args[6];
    Meter meter = new Meter(Long.parseLong(args[3]));
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(1, settings(args[4], folder, backend));
    StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
    tables.getConfig().set("table.local-time-zone", "UTC");
    tables.executeSql(
        "CREATE TABLE events (user_id STRING, amount DOUBLE, ts BIGINT, event_time AS TO_TIMESTAMP_LTZ(ts, 3),"
            + " WATERMARK FOR event_time AS event_time - INTERVAL '2' SECOND) WITH ('connector' = 'kafka', 'topic' = '" + topic + "',"
            + " 'properties.bootstrap.servers' = '" + brokers + "', 'properties.group.id' = '" + topic + "-flink',"
            + " 'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', 'format' = 'json')");
    tables.executeSql(
        "CREATE TABLE results (user_id STRING, window_start TIMESTAMP(3), n BIGINT, spent DOUBLE) WITH ("
            + (output.equals("-") ? "'connector' = 'blackhole'" : kafkaSink(brokers, output)) + ")");
    tables
        .executeSql(
            "INSERT INTO results SELECT user_id, window_start, COUNT(*), SUM(amount)"
                + " FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))"
                + " GROUP BY user_id, window_start, window_end")
        .await();
    meter.printUntilNow();
    System.exit(0);
  }

  private static Configuration settings(String checkpointMs, String folder, String backend) {
    Configuration out = new Configuration();
    out.setString("execution.checkpointing.interval", checkpointMs + " ms");
    out.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
    out.setString("execution.checkpointing.incremental", "true");
    out.setString("execution.checkpointing.dir", "file://" + folder + "/checkpoints");
    out.setString("state.backend.type", backend);
    out.setString("state.backend.rocksdb.localdir", folder + "/rocksdb");
    out.setString("state.backend.rocksdb.use-bloom-filter", "true");
    out.setString("taskmanager.memory.managed.size", backend.equals("rocksdb") ? "1g" : "128m");
    out.setString("taskmanager.numberOfTaskSlots", "1");
    out.setString("pipeline.object-reuse", "true");
    out.setString("io.tmp.dirs", folder);
    return out;
  }

  private static String kafkaSink(String brokers, String output) {
    return "'connector' = 'kafka', 'topic' = '" + output + "', 'properties.bootstrap.servers' = '" + brokers + "',"
        + " 'format' = 'json', 'key.format' = 'raw', 'key.fields' = 'user_id', 'sink.delivery-guarantee' = 'exactly-once',"
        + " 'sink.transactional-id-prefix' = '" + output + "', 'properties.transaction.timeout.ms' = '600000',"
        + " 'properties.compression.type' = 'lz4', 'properties.linger.ms' = '10', 'properties.batch.size' = '262144'";
  }
}
