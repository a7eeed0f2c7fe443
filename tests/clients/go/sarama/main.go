// sarama, whose own partitioner is not Kafka's, with the official CloudEvents SDK for Go.
package main

import (
	"encoding/json"
	"os"
	"time"

	"github.com/IBM/sarama"
	cloudevents "github.com/cloudevents/sdk-go/v2"

	"handover.test/publishers/order"
)

var codecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

func main() {
	for _, one := range order.Read() {
		send(one)
	}
}

func send(one order.Order) {
	config := sarama.NewConfig()
	config.Version = sarama.V2_8_0_0
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Producer.Compression = codecs[one.Codec]
	producer, err := sarama.NewSyncProducer([]string{os.Getenv("BROKERS")}, config)
	order.Check(err)
	defer producer.Close()
	_, _, err = producer.SendMessage(message(one))
	order.Check(err)
}

func message(one order.Order) *sarama.ProducerMessage {
	event := cloudevents.NewEvent()
	order.Check(json.Unmarshal(one.Whole, &event))
	found := &sarama.ProducerMessage{Topic: os.Getenv("TOPIC"), Key: sarama.StringEncoder(event.Subject())}
	if one.Mode == "structured" {
		value, err := json.Marshal(event)
		order.Check(err)
		found.Value = sarama.ByteEncoder(value)
		found.Headers = headers(map[string]string{"content-type": cloudevents.ApplicationCloudEventsJSON})
		return found
	}
	found.Value = sarama.ByteEncoder(event.Data())
	found.Headers = headers(map[string]string{
		"content-type":   event.DataContentType(),
		"ce_specversion": event.SpecVersion(),
		"ce_id":          event.ID(),
		"ce_source":      event.Source(),
		"ce_type":        event.Type(),
		"ce_subject":     event.Subject(),
		"ce_time":        event.Time().Format(time.RFC3339Nano),
	})
	return found
}

func headers(texts map[string]string) []sarama.RecordHeader {
	var found []sarama.RecordHeader
	for name, text := range texts {
		found = append(found, sarama.RecordHeader{Key: []byte(name), Value: []byte(text)})
	}
	return found
}
