// Package order reads what a publisher is to send.
package order

import (
	"bufio"
	"encoding/json"
	"os"
)

// Order is one record: how it is sent, and the event.
type Order struct {
	Mode        string                     `json:"mode"`
	Codec       string                     `json:"codec"`
	Transaction string                     `json:"transaction"`
	Event       map[string]json.RawMessage `json:"event"`
	Whole       json.RawMessage            `json:"-"`
}

// Text returns an attribute of the event.
func (o Order) Text(name string) string {
	var text string
	Check(json.Unmarshal(o.Event[name], &text))
	return text
}

// Read returns the orders on stdin.
func Read() []Order {
	var orders []Order
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var order Order
		Check(json.Unmarshal(lines.Bytes(), &order))
		whole, err := json.Marshal(order.Event)
		Check(err)
		order.Whole = whole
		orders = append(orders, order)
	}
	Check(lines.Err())
	return orders
}

// Check ends the program at an error.
func Check(err error) {
	if err != nil {
		panic(err)
	}
}
