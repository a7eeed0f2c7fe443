"""confluent-kafka with the official CloudEvents SDK."""

import json
import os
import sys
import uuid
from datetime import datetime

from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import KafkaException, Producer


def main() -> None:
    """Send what stdin says."""
    for order in map(json.loads, sys.stdin):
        data = order["event"].pop("data")
        attributes = {**order["event"], "time": datetime.fromisoformat(order["event"]["time"])}
        event = CloudEvent(attributes, data)
        make = kafka.to_binary_event if order["mode"] == "binary" else kafka.to_structured_event
        message = make(event)
        settings = {"bootstrap.servers": os.environ["BROKERS"], "compression.type": order["codec"], "acks": "all"}
        if order["transaction"]:
            settings["transactional.id"] = f"publisher-{uuid.uuid4()}"
        producer = Producer(settings)
        if order["transaction"]:
            producer.init_transactions(30)
            producer.begin_transaction()
        producer.produce(
            os.environ["TOPIC"], message.value, event.get_subject(), headers=dict(message.headers), on_delivery=check
        )
        producer.flush(30)
        if order["transaction"] == "commit":
            producer.commit_transaction(30)
        elif order["transaction"] == "abort":
            producer.abort_transaction(30)


def check(error: object, _message: object) -> None:
    """End where a record was not taken."""
    if error is not None:
        raise KafkaException(error)


if __name__ == "__main__":
    main()
