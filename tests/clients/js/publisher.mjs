// kafkajs with the official CloudEvents SDK for JavaScript.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { CloudEvent, Kafka as Binding } from "cloudevents";
import { CompressionTypes, Kafka, Partitioners, logLevel } from "kafkajs";

const CODECS = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP };
const kafka = new Kafka({ clientId: "publisher", brokers: process.env.BROKERS.split(","), logLevel: logLevel.ERROR });

async function send({ mode, codec, transaction, event }) {
  const partitionkey = event.subject; // the SDK makes the record's key of it
  const message = Binding[mode](new CloudEvent({ ...event, partitionkey }));
  const headers = Object.fromEntries(Object.entries(message.headers).filter(([, value]) => value !== undefined));
  const value = typeof message.value === "string" ? message.value : JSON.stringify(message.value);
  const transactionalId = transaction ? `publisher-${randomUUID()}` : undefined;
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId,
  });
  await producer.connect();
  const scope = transaction ? await producer.transaction() : producer;
  const messages = [{ key: message.key, value, headers }];
  await scope.send({ topic: process.env.TOPIC, acks: -1, compression: CODECS[codec], messages });
  if (transaction === "commit") await scope.commit();
  if (transaction === "abort") await scope.abort();
  await producer.disconnect();
}

for (const line of readFileSync(0, "utf8").trim().split("\n")) {
  await send(JSON.parse(line));
}
