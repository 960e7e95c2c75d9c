package notify

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Aliyun delivers SMS through Alibaba Cloud's SendSms (version 2017-05-25),
// signed with ACS3-HMAC-SHA256. A template's variables are a0, a1, … in the order
// of the message's places; the one-time code is called code.
type Aliyun struct {
	Endpoint  string // https://dysmsapi.aliyuncs.com
	KeyID     string
	KeySecret []byte
	Signature string // 短信签名
	Templates []Template
	HTTP      *http.Client
	Now       func() time.Time
}

var _ Sender = (*Aliyun)(nil)

// Send implements Sender.
func (a *Aliyun) Send(ctx context.Context, d Delivered) error {
	template, err := templateOf(a.Templates, d.Purpose)
	if err != nil {
		return err
	}
	values := map[string]string{}
	for i, arg := range d.Args {
		name := "a" + strconv.Itoa(i)
		if d.Code != "" && arg == d.Code {
			name = "code"
		}
		values[name] = arg
	}
	param, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("aliyun: %w", err)
	}
	u, err := url.Parse(a.Endpoint)
	if err != nil {
		return fmt.Errorf("aliyun: bad endpoint")
	}
	query := acsQuery(map[string]string{
		"PhoneNumbers": strings.TrimPrefix(d.To, "+86"), "SignName": a.Signature, "TemplateCode": template, "TemplateParam": string(param), "OutId": d.ID,
	})
	headers := map[string]string{
		"host": u.Host, "x-acs-action": "SendSms", "x-acs-version": "2017-05-25", "x-acs-date": a.Now().UTC().Format("2006-01-02T15:04:05Z"),
		"x-acs-signature-nonce": rand.Text(), "x-acs-content-sha256": hexSHA256(""),
	}
	headers["Authorization"] = acsAuthorization(a.KeyID, a.KeySecret, query, headers)
	delete(headers, "host") // net/http sets it
	answer, err := post(ctx, a.HTTP, a.Endpoint+"/?"+query, nil, headers)
	var said struct{ Code string }
	if json.Unmarshal(answer, &said) == nil && said.Code != "" && said.Code != "OK" {
		return fmt.Errorf("aliyun: %s", clipped(said.Code))
	}
	if err != nil {
		return err
	}
	if said.Code != "OK" {
		return fmt.Errorf("aliyun: an answer without a code")
	}
	return nil
}

// acsAuthorization signs a POST without a body to / (Alibaba Cloud, "V3 request
// structure and signature").
func acsAuthorization(id string, secret []byte, query string, headers map[string]string) string {
	var names []string
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	var canonical strings.Builder
	canonical.WriteString("POST\n/\n" + query + "\n")
	for _, name := range names {
		canonical.WriteString(name + ":" + strings.TrimSpace(headers[name]) + "\n")
	}
	signed := strings.Join(names, ";")
	canonical.WriteString("\n" + signed + "\n" + headers["x-acs-content-sha256"])
	signature := hex.EncodeToString(hmacSHA256(secret, "ACS3-HMAC-SHA256\n"+hexSHA256(canonical.String())))
	return "ACS3-HMAC-SHA256 Credential=" + id + ",SignedHeaders=" + signed + ",Signature=" + signature
}

// acsQuery is the canonical query: sorted, percent-encoded as RFC 3986 has it.
func acsQuery(params map[string]string) string {
	var pairs []string
	for name, value := range params {
		pairs = append(pairs, percent(name)+"="+percent(value))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func percent(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, s string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(s))
	return m.Sum(nil)
}

// clipped bounds what a provider's answer can write into the log.
func clipped(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), 80)]
}
