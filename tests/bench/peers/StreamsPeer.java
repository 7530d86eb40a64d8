import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Tumbling count and sum on Kafka Streams: exactly_once_v2, one thread, a cache of 256 MB that holds updates back until the
 * commit, binary state, a retention as short as the windows allow, and no repartitioning, since the topic is keyed already.
 * Arguments: brokers, topic, output topic or `-`, events, commit interval in ms, folder.
 */
public final class StreamsPeer {
  private static final class Total {
    long count;
    double sum;
  }

  public static void main(String[] args) throws Exception {
    Meter meter = new Meter(Long.parseLong(args[3]));
    KafkaStreams streams = new KafkaStreams(topology(args[1], args[2]), settings(args));
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          Runtime.getRuntime().halt(1);
          return null;
        });
    streams.start();
    long events = Long.parseLong(args[3]);
    while (processed(streams) < events) {
      Thread.sleep(20);
    }
    streams.close(Duration.ofMinutes(5)); // commits, and so puts out what the cache holds
    meter.printUntilNow();
    System.exit(0);
  }

  private static double processed(KafkaStreams streams) {
    return streams.metrics().values().stream()
        .filter(metric -> metric.metricName().name().equals("process-total")
            && metric.metricName().group().equals("stream-thread-metrics"))
        .mapToDouble(metric -> (Double) metric.metricValue())
        .sum();
  }

  private static Properties settings(String[] args) {
    Properties out = new Properties();
    out.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1] + "-streams-" + ProcessHandle.current().pid());
    out.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    out.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    out.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
    out.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Long.parseLong(args[4]));
    out.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    out.put(StreamsConfig.STATE_DIR_CONFIG, args[5]);
    out.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    out.put("auto.offset.reset", "earliest");
    out.put("consumer.max.poll.records", 5000);
    out.put("consumer.fetch.max.bytes", 64 << 20);
    out.put("consumer.max.partition.fetch.bytes", 4 << 20);
    out.put("producer.compression.type", "lz4");
    out.put("producer.batch.size", 256 << 10);
    out.put("producer.transaction.timeout.ms", 120_000);
    return out;
  }

  private static Topology topology(String topic, String output) {
    StreamsBuilder builder = new StreamsBuilder();
    Serde<Event> events = Serdes.serdeFrom((unused, event) -> null, (unused, bytes) -> Event.parse(bytes));
    KStream<Windowed<String>, Total> totals =
        builder
            .stream(
                topic,
                Consumed.with(Serdes.String(), events).withTimestampExtractor((record, at) -> ((Event) record.value()).ts))
            .groupByKey(Grouped.with(Serdes.String(), events))
            .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(1), Duration.ofSeconds(2)))
            .aggregate(Total::new, StreamsPeer::add, store())
            .toStream();
    if (output.equals("-")) {
      totals.foreach((key, total) -> Meter.ROWS.incrementAndGet());
    } else {
      totals
          .map((key, total) -> new KeyValue<>(key.key(), Event.row(key.key(), key.window().start(), total.count, total.sum)))
          .to(output, Produced.with(Serdes.String(), Serdes.String()));
    }
    return builder.build();
  }

  private static Total add(String key, Event event, Total total) {
    total.count++;
    total.sum += event.amount;
    return total;
  }

  private static Materialized<String, Total, WindowStore<Bytes, byte[]>> store() {
    Serializer<Total> write = (unused, total) -> ByteBuffer.allocate(16).putLong(total.count).putDouble(total.sum).array();
    Deserializer<Total> read =
        (unused, bytes) -> {
          if (bytes == null) {
            return null;
          }
          ByteBuffer buffer = ByteBuffer.wrap(bytes);
          Total total = new Total();
          total.count = buffer.getLong();
          total.sum = buffer.getDouble();
          return total;
        };
    return Materialized.<String, Total, WindowStore<Bytes, byte[]>>as("totals")
        .withKeySerde(Serdes.String())
        .withValueSerde(Serdes.serdeFrom(write, read))
        .withRetention(Duration.ofMinutes(2))
        .withCachingEnabled();
  }
}
