package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxAnswer bounds what is read of a gateway's answer.
const maxAnswer = 64 << 10

// Gateway delivers SMS through an HTTP gateway of the operator's own (see
// docs/operate.md):
//
//	POST endpoint
//	Content-Type: application/json
//	Idempotency-Key: <id>
//	Kejitong-Timestamp: <Unix seconds>
//	Kejitong-Signature: v1=<hex HMAC-SHA-256 over timestamp "." body>
//
//	{"id","channel","to","purpose","text","code","args","locale"}
//
// Any status from 200 to 299 accepts the message; the id tells the gateway that it
// has it already.
type Gateway struct {
	Endpoint string
	Key      []byte
	HTTP     *http.Client
	Now      func() time.Time
}

var _ Sender = (*Gateway)(nil)

// Send implements Sender.
func (g *Gateway) Send(ctx context.Context, d Delivered) error {
	args := d.Args
	if args == nil {
		args = []string{}
	}
	body, err := json.Marshal(struct {
		ID      string   `json:"id"`
		Channel Channel  `json:"channel"`
		To      string   `json:"to"`
		Purpose string   `json:"purpose"`
		Text    string   `json:"text"`
		Code    string   `json:"code"`
		Args    []string `json:"args"`
		Locale  string   `json:"locale"`
	}{d.ID, d.Channel, d.To, d.Purpose, d.Text, d.Code, args, d.Locale})
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	at := strconv.FormatInt(g.Now().Unix(), 10)
	mac := hmac.New(sha256.New, g.Key)
	mac.Write([]byte(at + "."))
	mac.Write(body)
	_, err = post(ctx, g.HTTP, g.Endpoint, body, map[string]string{
		"Content-Type": "application/json", "Idempotency-Key": d.ID, "Kejitong-Timestamp": at,
		"Kejitong-Signature": "v1=" + hex.EncodeToString(mac.Sum(nil)),
	})
	return err
}

// post sends a request and gives the answer to one that was accepted. No error
// repeats what was sent.
func post(ctx context.Context, client *http.Client, endpoint string, body []byte, header map[string]string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("gateway: bad endpoint")
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", unquoted(err))
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("gateway: read the answer: %w", err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return answer, fmt.Errorf("gateway: status %d", res.StatusCode)
	}
	return answer, nil
}

// Client is the HTTP client that gateways are called with: no redirect is
// followed, since a signed request is for whom it was signed.
func Client(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
