import com.hazelcast.config.Config;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.jet.Job;
import com.hazelcast.jet.aggregate.AggregateOperations;
import com.hazelcast.jet.config.JobConfig;
import com.hazelcast.jet.config.ProcessingGuarantee;
import com.hazelcast.jet.core.JobStatus;
import com.hazelcast.jet.datamodel.KeyedWindowResult;
import com.hazelcast.jet.datamodel.Tuple2;
import com.hazelcast.jet.kafka.KafkaSinks;
import com.hazelcast.jet.kafka.KafkaSources;
import com.hazelcast.jet.pipeline.Pipeline;
import com.hazelcast.jet.pipeline.Sinks;
import com.hazelcast.jet.pipeline.StreamStage;
import com.hazelcast.jet.pipeline.WindowDefinition;
import java.util.Properties;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Tumbling count and sum on one embedded Hazelcast Jet member with one cooperative thread: exactly once, snapshots in memory.
 * Its last window stays open, since nothing tells Jet that the topic has ended. Arguments: brokers, topic, output topic or
 * `-`, events, snapshot interval in ms, folder.
 */
public final class JetPeer {
  public static void main(String[] args) throws Exception {
    Meter meter = new Meter(Long.parseLong(args[3]));
    System.setProperty("hazelcast.logging.type", "none");
    System.setProperty("hazelcast.phone.home.enabled", "false");
    HazelcastInstance member = Hazelcast.newHazelcastInstance(member());
    JobConfig config =
        new JobConfig()
            .setProcessingGuarantee(ProcessingGuarantee.EXACTLY_ONCE)
            .setSnapshotIntervalMillis(Long.parseLong(args[4]));
    Job job = member.getJet().newJob(pipeline(args[0], args[1], args[2]), config);
    while (job.getStatus() != JobStatus.RUNNING) {
      Thread.sleep(20);
    }
    meter.awaitQuiet();
    meter.printUntilLastProgress();
    job.suspend(); // with a last snapshot, which commits the output
    while (job.getStatus() != JobStatus.SUSPENDED) {
      Thread.sleep(20);
    }
    System.exit(0);
  }

  private static Config member() {
    Config out = new Config();
    out.getJetConfig().setEnabled(true).setCooperativeThreadCount(1);
    out.getNetworkConfig().getJoin().getAutoDetectionConfig().setEnabled(false);
    out.getNetworkConfig().getJoin().getMulticastConfig().setEnabled(false);
    out.getNetworkConfig().setPort(0).setPortAutoIncrement(false);
    out.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
    return out;
  }

  private static Pipeline pipeline(String brokers, String topic, String output) {
    Pipeline pipeline = Pipeline.create();
    StreamStage<KeyedWindowResult<String, Tuple2<Long, Double>>> totals =
        pipeline
            .readFrom(KafkaSources.<byte[], byte[], Event>kafka(source(brokers), record -> Event.parse(record.value()), topic))
            .withTimestamps(event -> event.ts, 2000)
            .setLocalParallelism(1)
            .groupingKey(event -> event.user)
            .window(WindowDefinition.tumbling(60_000))
            .aggregate(AggregateOperations.allOf(AggregateOperations.counting(), AggregateOperations.summingDouble(event -> event.amount)))
            .setLocalParallelism(1)
            .map(
                result -> {
                  Meter.ROWS.incrementAndGet();
                  return result;
                })
            .setLocalParallelism(1);
    if (output.equals("-")) {
      totals.writeTo(Sinks.noop());
      return pipeline;
    }
    totals
        .writeTo(
            KafkaSinks.<KeyedWindowResult<String, Tuple2<Long, Double>>>kafka(target(brokers))
                .toRecordFn(result -> record(output, result))
                .exactlyOnce(true)
                .build())
        .setLocalParallelism(1);
    return pipeline;
  }

  private static ProducerRecord<String, String> record(String output, KeyedWindowResult<String, Tuple2<Long, Double>> result) {
    Tuple2<Long, Double> total = result.result();
    return new ProducerRecord<>(
        output, result.key(), Event.row(result.key(), result.start(), total.f0(), total.f1()));
  }

  private static Properties source(String brokers) {
    Properties out = new Properties();
    out.put("bootstrap.servers", brokers);
    out.put("key.deserializer", ByteArrayDeserializer.class.getName());
    out.put("value.deserializer", ByteArrayDeserializer.class.getName());
    out.put("auto.offset.reset", "earliest");
    out.put("max.poll.records", 5000);
    out.put("max.partition.fetch.bytes", 4 << 20);
    return out;
  }

  private static Properties target(String brokers) {
    Properties out = new Properties();
    out.put("bootstrap.servers", brokers);
    out.put("key.serializer", StringSerializer.class.getName());
    out.put("value.serializer", StringSerializer.class.getName());
    out.put("compression.type", "lz4");
    out.put("linger.ms", 10);
    out.put("batch.size", 256 << 10);
    out.put("transaction.timeout.ms", 120_000);
    return out;
  }
}
