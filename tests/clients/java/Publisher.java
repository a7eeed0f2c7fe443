import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Kafka's own Java client. */
public class Publisher {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    var orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = orders.readLine(); line != null; line = orders.readLine()) {
      send(JSON.readTree(line));
    }
  }

  private static void send(JsonNode order) throws Exception {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", System.getenv("BROKERS"));
    settings.put("compression.type", order.get("codec").asText());
    settings.put("acks", "all");
    String transaction = order.get("transaction").asText();
    if (!transaction.isEmpty()) {
      settings.put("transactional.id", "publisher-" + UUID.randomUUID());
    }
    var bytes = new ByteArraySerializer();
    try (var producer = new KafkaProducer<>(settings, bytes, bytes)) {
      if (!transaction.isEmpty()) {
        producer.initTransactions();
        producer.beginTransaction();
      }
      producer.send(record(order.get("event"), order.get("mode").asText().equals("binary"))).get();
      if (transaction.equals("commit")) {
        producer.commitTransaction();
      } else if (transaction.equals("abort")) {
        producer.abortTransaction();
      }
    }
  }

  private static ProducerRecord<byte[], byte[]> record(JsonNode event, boolean binary) throws Exception {
    byte[] key = text(event.get("subject").asText());
    byte[] value = JSON.writeValueAsBytes(binary ? event.get("data") : event);
    var record = new ProducerRecord<>(System.getenv("TOPIC"), key, value);
    if (!binary) {
      record.headers().add("content-type", text("application/cloudevents+json; charset=UTF-8"));
      return record;
    }
    record.headers().add("content-type", text("application/json"));
    event.properties().forEach(one -> {
      if (!one.getKey().equals("data")) {
        record.headers().add("ce_" + one.getKey(), text(one.getValue().asText()));
      }
    });
    return record;
  }

  private static byte[] text(String value) {
    return value.getBytes(StandardCharsets.UTF_8);
  }
}
