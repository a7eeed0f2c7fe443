import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Properties;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The toy job on Kafka Streams: one processor over both topics, state per person as JSON in a store with changelog, a heap of deadlines
 * rebuilt from the store, fired by a stream-time punctuator. Stream time stands still when no event comes: so do deadlines.
 */
public class Job {
  static final ObjectMapper JSON = new ObjectMapper();
  static final TypeReference<LinkedHashMap<String, long[]>> HELD = new TypeReference<>() {};
  static final long UNANSWERED_MS = 60_000;

  record Due(long at, String key) {}

  static class Persons implements Processor<String, byte[], String, byte[]> {
    private final PriorityQueue<Due> deadlines = new PriorityQueue<>(Comparator.comparingLong(Due::at));
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, byte[]> store;

    @Override
    public void init(ProcessorContext<String, byte[]> given) {
      context = given;
      store = given.getStateStore("persons");
      try (var all = store.all()) {
        all.forEachRemaining(one -> remember(one.key, read(one.value)));
      }
      given.schedule(Duration.ofSeconds(1), PunctuationType.STREAM_TIME, this::fire);
    }

    @Override
    public void process(Record<String, byte[]> record) {
      try {
        var told = JSON.readTree(record.value());
        String name = told.get("id").asText();
        var held = read(store.get(record.key()));
        boolean isRelease = context.recordMetadata().orElseThrow().topic().endsWith(".release");
        if (held.remove(name) == null) {
          long at = isRelease ? told.get("deadline_ms").asLong() : record.timestamp() + UNANSWERED_MS;
          held.put(name, new long[] {at, isRelease ? 0 : 1});
        }
        save(record.key(), held);
        remember(record.key(), held);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    private void fire(long now) {
      while (!deadlines.isEmpty() && deadlines.peek().at() <= now) {
        var next = deadlines.poll();
        var held = read(store.get(next.key()));
        boolean changed = false;
        for (var entries = held.entrySet().iterator(); entries.hasNext(); ) {
          var one = entries.next();
          if (one.getValue()[0] > next.at()) {
            continue;
          }
          entries.remove();
          changed = true;
          if (one.getValue()[1] == 0) {
            String alert = one.getKey() + ":" + one.getValue()[0];
            String body = "{\"alert\":\"" + alert + "\",\"person\":\"" + next.key() + "\"}";
            context.forward(new Record<>(alert, body.getBytes(StandardCharsets.UTF_8), now));
          }
        }
        if (changed) {
          save(next.key(), held);
          remember(next.key(), held);
        }
      }
    }

    private Map<String, long[]> read(byte[] value) {
      try {
        return value == null ? new LinkedHashMap<>() : JSON.readValue(value, HELD);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    private void save(String key, Map<String, long[]> held) {
      try {
        store.put(key, JSON.writeValueAsBytes(held));
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    private void remember(String key, Map<String, long[]> held) {
      held.values().stream().mapToLong(one -> one[0]).min().ifPresent(at -> deadlines.add(new Due(at, key)));
    }
  }

  public static void main(String[] arguments) {
    String run = System.getenv("PEERS_RUN");
    boolean inMemory = arguments.length == 0 || arguments[0].equals("memory");
    var settings = new Properties();
    settings.put("application.id", run + ".kstreams");
    settings.put("bootstrap.servers", System.getenv("PEERS_BROKERS"));
    settings.put("num.stream.threads", "1");
    settings.put("commit.interval.ms", "1000");
    settings.put("max.task.idle.ms", "200"); // waits a moment for the other topic, so that both are merged by timestamp
    settings.put("auto.offset.reset", "earliest");
    settings.put("state.dir", System.getenv("PEERS_FOLDER"));
    settings.put("replication.factor", "1");
    var topology = new Topology();
    topology.addSource("in", new StringDeserializer(), new ByteArrayDeserializer(), run + ".release", run + ".checkin");
    topology.addProcessor("persons", (ProcessorSupplier<String, byte[], String, byte[]>) Persons::new, "in");
    var supplier = inMemory ? Stores.inMemoryKeyValueStore("persons") : Stores.persistentKeyValueStore("persons");
    topology.addStateStore(Stores.keyValueStoreBuilder(supplier, Serdes.String(), Serdes.ByteArray()), "persons");
    topology.addSink("out", run + ".alerts", new StringSerializer(), new ByteArraySerializer(), "persons");
    var streams = new KafkaStreams(topology, settings);
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
