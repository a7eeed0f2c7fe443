// franz-go: the CloudEvents binding written by hand, as most do.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"handover.test/publishers/order"
)

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func main() {
	for _, one := range order.Read() {
		send(one)
	}
}

func send(one order.Order) {
	ctx := context.Background()
	options := []kgo.Opt{kgo.SeedBrokers(os.Getenv("BROKERS")), kgo.ProducerBatchCompression(codecs[one.Codec])}
	if one.Transaction != "" {
		options = append(options, kgo.TransactionalID(fmt.Sprintf("publisher-%d", time.Now().UnixNano())))
	}
	client, err := kgo.NewClient(options...)
	order.Check(err)
	defer client.Close()
	if one.Transaction != "" {
		order.Check(client.BeginTransaction())
	}
	order.Check(client.ProduceSync(ctx, record(one)).FirstErr())
	if one.Transaction != "" {
		order.Check(client.Flush(ctx))
		order.Check(client.EndTransaction(ctx, kgo.TransactionEndTry(one.Transaction == "commit")))
	}
}

func record(one order.Order) *kgo.Record {
	found := &kgo.Record{Topic: os.Getenv("TOPIC"), Key: []byte(one.Text("subject")), Value: one.Whole}
	if one.Mode == "structured" {
		found.Headers = []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json")}}
		return found
	}
	found.Value = one.Event["data"]
	found.Headers = []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/json")}}
	for name := range one.Event {
		if name != "data" {
			found.Headers = append(found.Headers, kgo.RecordHeader{Key: "ce_" + name, Value: []byte(one.Text(name))})
		}
	}
	return found
}
