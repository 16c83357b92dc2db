// Answers the cases on standard input with what the document's code says of each.
package main

import (
	"document/webhooks"
	"encoding/json"
	"os"
	"time"
)

type testCase struct {
	Scheme    string
	Body      []byte
	Headers   struct{ Id, Timestamp string }
	Signature string
	Secrets   []string
	Now       int64
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	answers := make([]bool, len(cases))
	for i, c := range cases {
		if c.Scheme == "hex" {
			answers[i] = webhooks.VerifyHex(c.Body, c.Signature, c.Secrets)
		} else {
			answers[i] = webhooks.VerifyStandard(c.Body, c.Headers.Id, c.Headers.Timestamp, c.Signature, c.Secrets, time.Unix(c.Now, 0))
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
