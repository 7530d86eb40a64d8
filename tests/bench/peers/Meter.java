import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * Takes a peer's CPU and wall time from inside its JVM: of the whole process, and from the moment when a first share of the
 * events was read, when most of its code has been compiled. Reads the Kafka consumer's own counter, so that it adds nothing
 * to the path of a record. Knows no engine.
 */
final class Meter {
  /** Rows that the job has put out; jobs that can count them cheaply do. */
  static final AtomicLong ROWS = new AtomicLong();

  private static final double WARM_SHARE = 0.34;
  private static final long POLL_MS = 20;
  private static final com.sun.management.OperatingSystemMXBean SYSTEM =
      (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private record Mark(long events, long rows, double cpu, double wall) {}

  private final long expected;
  private volatile Mark warm;
  private volatile Mark lastProgress;

  Meter(long expected) {
    this.expected = expected;
    this.lastProgress = now();
    Thread thread = new Thread(this::watch, "meter");
    thread.setDaemon(true);
    thread.start();
  }

  /** Waits until all events were read and nothing has moved for a second. */
  void awaitQuiet() throws InterruptedException {
    while (lastProgress.events < expected || now().wall - lastProgress.wall < 1.0) {
      Thread.sleep(POLL_MS);
    }
  }

  /** When the last event was read or the last row was put out. */
  void printUntilLastProgress() {
    print(lastProgress);
  }

  /** For a job that has read everything, though its consumer, and the counter with it, may be gone. */
  void printUntilNow() {
    Mark end = now();
    print(new Mark(expected, end.rows, end.cpu, end.wall));
  }

  private void print(Mark end) {
    Mark from = warm != null ? warm : new Mark(0, 0, 0, 0);
    System.out.printf(
        "{\"events\":%d,\"cpu_s\":%.4f,\"wall_s\":%.4f,\"warm_events\":%d,\"warm_cpu_s\":%.4f,\"warm_wall_s\":%.4f,\"rows\":%d}%n",
        end.events, end.cpu, end.wall, end.events - from.events, end.cpu - from.cpu, end.wall - from.wall, end.rows);
    System.out.flush();
  }

  private void watch() {
    try {
      while (true) {
        Mark mark = now();
        if (mark.events != lastProgress.events || mark.rows != lastProgress.rows) {
          lastProgress = mark;
        }
        if (warm == null && mark.events >= expected * WARM_SHARE) {
          warm = mark;
        }
        Thread.sleep(POLL_MS);
      }
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
    }
  }

  private static Mark now() {
    return new Mark(
        consumed(),
        ROWS.get(),
        SYSTEM.getProcessCpuTime() / 1e9,
        ManagementFactory.getRuntimeMXBean().getUptime() / 1e3);
  }

  private static volatile long seen;

  /** Records that the JVM's Kafka consumers have handed out; what is gone with a closed consumer is remembered. */
  private static long consumed() {
    try {
      MBeanServer server = ManagementFactory.getPlatformMBeanServer();
      double total = 0;
      ObjectName pattern = new ObjectName("kafka.consumer:type=consumer-fetch-manager-metrics,client-id=*");
      for (ObjectName name : server.queryNames(pattern, null)) {
        total += (Double) server.getAttribute(name, "records-consumed-total");
      }
      seen = Math.max(seen, (long) total);
    } catch (javax.management.JMException gone) {
      // The consumer was closed between the two calls.
    }
    return seen;
  }
}
