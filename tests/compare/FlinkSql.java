import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/**
 * Runs a file of SQL statements in a local cluster of one slot and ends when its last one has ended. Statements are parted by
 * empty lines. Knows nothing of what they say. Arguments: file, folder for what Flink keeps.
 */
public final class FlinkSql {
  public static void main(String[] args) throws Exception {
    Configuration settings = new Configuration();
    settings.setString("io.tmp.dirs", args[1]);
    settings.setString("taskmanager.numberOfTaskSlots", "1");
    StreamTableEnvironment tables =
        StreamTableEnvironment.create(StreamExecutionEnvironment.createLocalEnvironment(1, settings));
    tables.getConfig().set("table.local-time-zone", "UTC");
    TableResult last = null;
    for (String statement : Files.readString(Path.of(args[0])).trim().split("\n\\s*\n")) {
      last = tables.executeSql(statement);
    }
    last.await();
    System.exit(0);
  }
}
