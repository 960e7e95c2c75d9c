package notify_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kejitong/provider/notify"
)

var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func clock() time.Time { return at }

func told() notify.Delivered {
	return notify.Delivered{
		Message: notify.Message{ID: "req-1", Channel: notify.SMS, To: "+8618700001111", Purpose: "code_reset", Args: []string{"204816", "5"}, Code: "204816", Locale: "zh-CN"},
		Text:    "验证码 204816 …",
	}
}

func mac(key []byte, s string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(s))
	return m.Sum(nil)
}

func sum(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }

// serve starts a gateway; check says what is wrong with a request, answer what
// comes back.
func serve(t *testing.T, check func(r *http.Request, body []byte) string, status int, answer string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if wrong := check(r, body); wrong != "" {
			t.Error(wrong)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestGateway(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	check := func(r *http.Request, body []byte) string {
		signed := "v1=" + hex.EncodeToString(mac(key, r.Header.Get("Kejitong-Timestamp")+"."+string(body)))
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil || m["to"] != "+8618700001111" || m["code"] != "204816" || m["id"] != "req-1" || m["text"] != told().Text {
			return fmt.Sprintf("body %s", body)
		}
		if r.Header.Get("Kejitong-Signature") != signed || r.Header.Get("Idempotency-Key") != "req-1" || r.Method != http.MethodPost {
			return fmt.Sprintf("headers %v", r.Header)
		}
		return ""
	}
	for _, row := range []struct {
		status int
		ok     bool
	}{{200, true}, {202, true}, {302, false}, {400, false}, {401, false}, {500, false}} {
		g := &notify.Gateway{Endpoint: serve(t, check, row.status, ""), Key: key, HTTP: notify.Client(time.Minute), Now: clock}
		if err := g.Send(t.Context(), told()); (err == nil) != row.ok {
			t.Errorf("%d: %v", row.status, err)
		}
	}
	g := &notify.Gateway{Endpoint: "http://127.0.0.1:1/?to=x", Key: key, HTTP: notify.Client(time.Minute), Now: clock}
	if err := g.Send(t.Context(), told()); err == nil || strings.Contains(err.Error(), "18700001111") {
		t.Errorf("nobody there: %v", err)
	}
}

// The server verifies as the provider describes it, from the request that came.
func TestAliyun(t *testing.T) {
	secret := []byte("secret")
	check := func(r *http.Request, body []byte) string {
		auth := r.Header.Get("Authorization")
		names := between(auth, "SignedHeaders=", ",")
		var lines []string
		for _, n := range strings.Split(names, ";") {
			v := r.Header.Get(n)
			if n == "host" {
				v = r.Host
			}
			lines = append(lines, n+":"+v)
		}
		canonical := strings.Join([]string{r.Method, r.URL.Path, r.URL.RawQuery, strings.Join(lines, "\n"), "", names, sum(body)}, "\n")
		want := hex.EncodeToString(mac(secret, "ACS3-HMAC-SHA256\n"+sum([]byte(canonical))))
		if !strings.HasSuffix(auth, ",Signature="+want) || !strings.Contains(auth, "Credential=id,") || r.Header.Get("X-Acs-Date") != "2026-03-04T05:06:07Z" {
			return "signature: " + auth
		}
		for _, n := range []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"} {
			if !slices.Contains(strings.Split(names, ";"), n) {
				return n + " is not signed"
			}
		}
		q := r.URL.Query()
		if q.Get("PhoneNumbers") != "18700001111" || q.Get("SignName") != "科技 平台+" || q.Get("TemplateCode") != "SMS_1" || q.Get("TemplateParam") != `{"a1":"5","code":"204816"}` || q.Get("OutId") != "req-1" {
			return fmt.Sprintf("query %v", q)
		}
		return ""
	}
	for _, row := range []struct {
		status int
		answer string
		says   string // empty: sent
	}{
		{200, `{"Code":"OK","Message":"OK","BizId":"1"}`, ""},
		{200, `{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"x"}`, "isv.BUSINESS_LIMIT_CONTROL"},
		{403, `{"Code":"SignatureDoesNotMatch"}`, "SignatureDoesNotMatch"},
		{502, `<html>`, "status 502"},
		{200, `{}`, "without a code"},
		{200, `{"Code":"a\nb"}`, "ab"},
	} {
		a := &notify.Aliyun{
			Endpoint: serve(t, check, row.status, row.answer), KeyID: "id", KeySecret: secret, Signature: "科技 平台+",
			Templates: []notify.Template{{Purpose: "code_*", ID: "SMS_1"}, {Purpose: "*", ID: "SMS_2"}}, HTTP: notify.Client(time.Minute), Now: clock,
		}
		judge(t, row.answer, a.Send(t.Context(), told()), row.says)
	}
	a := &notify.Aliyun{Templates: []notify.Template{{Purpose: "notice_*", ID: "SMS_1"}}}
	judge(t, "no template", a.Send(t.Context(), told()), "no template")
}

func TestTencent(t *testing.T) {
	check := func(r *http.Request, body []byte) string {
		auth := r.Header.Get("Authorization")
		canonical := "POST\n/\n\ncontent-type:" + r.Header.Get("Content-Type") + "\nhost:" + r.Host + "\nx-tc-action:sendsms\n\ncontent-type;host;x-tc-action\n" + sum(body)
		text := "TC3-HMAC-SHA256\n" + r.Header.Get("X-TC-Timestamp") + "\n2026-03-04/sms/tc3_request\n" + sum([]byte(canonical))
		want := hex.EncodeToString(mac(mac(mac(mac([]byte("TC3secret"), "2026-03-04"), "sms"), "tc3_request"), text))
		if auth != "TC3-HMAC-SHA256 Credential=id/2026-03-04/sms/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature="+want {
			return "signature: " + auth
		}
		if r.Header.Get("X-TC-Action") != "SendSms" || r.Header.Get("X-TC-Version") != "2021-01-11" || r.Header.Get("X-TC-Region") != "ap-guangzhou" {
			return fmt.Sprintf("headers %v", r.Header)
		}
		const wanted = `{"PhoneNumberSet":["+8618700001111"],"SmsSdkAppId":"1400","SignName":"科技","TemplateId":"77","TemplateParamSet":["204816","5"],"SessionContext":"req-1"}`
		if string(body) != wanted {
			return string(body)
		}
		return ""
	}
	for _, row := range []struct{ answer, says string }{
		{`{"Response":{"SendStatusSet":[{"Code":"Ok"}],"RequestId":"r"}}`, ""},
		{`{"Response":{"SendStatusSet":[{"Code":"LimitExceeded.PhoneNumberDailyLimit"}]}}`, "LimitExceeded.PhoneNumberDailyLimit"},
		{`{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"x"}}}`, "AuthFailure.SignatureFailure"},
		{`{"Response":{}}`, "without a status"},
		{`no`, "no JSON"},
	} {
		s := &notify.Tencent{
			Endpoint: serve(t, check, 200, row.answer), Region: "ap-guangzhou", KeyID: "id", KeySecret: []byte("secret"), AppID: "1400", Signature: "科技",
			Templates: []notify.Template{{Purpose: "*", ID: "77"}}, HTTP: notify.Client(time.Minute), Now: clock,
		}
		judge(t, row.answer, s.Send(t.Context(), told()), row.says)
	}
}

func judge(t *testing.T, what string, err error, says string) {
	t.Helper()
	switch {
	case says == "" && err != nil, says != "" && (err == nil || !strings.Contains(err.Error(), says)):
		t.Errorf("%s: %v, want %q", what, err, says)
	case err != nil && strings.Contains(err.Error(), "18700001111"):
		t.Errorf("the number is in the error: %v", err)
	}
}

func between(s, a, b string) string {
	_, s, _ = strings.Cut(s, a)
	s, _, _ = strings.Cut(s, b)
	return s
}

// mailbox is an SMTP server: it offers what it is told to and keeps what it got.
type mailbox struct {
	implicit, startTLS bool
	refuse             string // the verb that it answers with 550
	pair               tls.Certificate

	mu    sync.Mutex
	lines []string
	clear bool // something of a message came without TLS
}

func (m *mailbox) open(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go m.talk(conn)
		}
	}()
	return l.Addr().String()
}

func (m *mailbox) talk(conn net.Conn) {
	secure := m.implicit
	config := &tls.Config{Certificates: []tls.Certificate{m.pair}, MinVersion: tls.VersionTLS12}
	if secure {
		conn = tls.Server(conn, config)
	}
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	say := func(s string) { _, _ = io.WriteString(conn, s+"\r\n") }
	say("220 ready")
	for data := false; ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		m.mu.Lock()
		m.lines = append(m.lines, line)
		verb, _, _ := strings.Cut(line, " ")
		m.clear = m.clear || !secure && (verb == "MAIL" || verb == "RCPT" || verb == "AUTH")
		m.mu.Unlock()
		switch {
		case data:
			if line == "." {
				data = false
				say("250 taken")
			}
		case verb == m.refuse:
			say("550 no such somebody@example.cn here")
		case verb == "EHLO":
			if m.startTLS && !secure {
				say("250-here")
				say("250 STARTTLS")
			} else {
				say("250-here")
				say("250 AUTH PLAIN")
			}
		case verb == "STARTTLS" && !m.startTLS:
			say("502 what")
		case verb == "STARTTLS":
			say("220 go")
			conn = tls.Server(conn, config)
			in, secure = bufio.NewReader(conn), true
		case verb == "AUTH":
			say("235 in")
		case verb == "DATA":
			data = true
			say("354 go")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func TestSMTP(t *testing.T) {
	tlsServer := httptest.NewTLSServer(nil)
	defer tlsServer.Close()
	roots := x509.NewCertPool()
	roots.AddCert(tlsServer.Certificate())
	pair := tlsServer.TLS.Certificates[0]
	letter := notify.Delivered{
		Message: notify.Message{ID: "req-1", Channel: notify.Email, To: "somebody@example.cn", Purpose: "x"},
		Subject: "密码已修改", Text: strings.Repeat("您的密码已修改。", 30) + "\r\n.\r\nBcc: x@y",
	}
	send := func(m *mailbox, alter func(*notify.SMTP, *notify.Delivered)) error {
		m.pair = pair
		s := &notify.SMTP{Address: m.open(t), Implicit: m.implicit, Username: "u", Password: []byte("p"), From: "科技平台 <noreply@kjt.example.cn>", Roots: roots, Timeout: time.Minute, Now: clock}
		d := letter
		if alter != nil {
			alter(s, &d)
		}
		return s.Send(context.Background(), d)
	}
	for name, m := range map[string]*mailbox{"TLS": {implicit: true}, "STARTTLS": {startTLS: true}} {
		if err := send(m, nil); err != nil || m.clear {
			t.Errorf("%s: %v, in the clear: %v", name, err, m.clear)
			continue
		}
		all := strings.Join(m.lines, "\r\n")
		if !strings.Contains(all, "MAIL FROM:<noreply@kjt.example.cn>") || !strings.Contains(all, "RCPT TO:<somebody@example.cn>") || strings.Count(all, "RCPT") != 1 {
			t.Errorf("%s: %s", name, all)
		}
		_, raw, _ := strings.Cut(all, "DATA\r\n")
		got, err := mail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
		if err != nil || subject != letter.Subject || got.Header.Get("Message-Id") != "<req-1@kjt.example.cn>" || got.Header.Get("Bcc") != "" || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %v %q %v", name, err, subject, got.Header)
		}
		body, err := io.ReadAll(got.Body)
		text, _, _ := strings.Cut(string(body), ".")
		plain, err2 := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\r\n", ""))
		if err != nil || err2 != nil || string(plain) != letter.Text {
			t.Errorf("%s: %v %v %q", name, err, err2, plain)
		}
	}
	for name, bad := range map[string]struct {
		m     *mailbox
		alter func(*notify.SMTP, *notify.Delivered)
	}{
		"no TLS on offer":           {&mailbox{}, nil},
		"a certificate of nobody's": {&mailbox{startTLS: true}, func(s *notify.SMTP, _ *notify.Delivered) { s.Roots = x509.NewCertPool() }},
		"refused":                   {&mailbox{implicit: true, refuse: "RCPT"}, nil},
		"two recipients":            {&mailbox{implicit: true}, func(_ *notify.SMTP, d *notify.Delivered) { d.To = "a@b.cn, c@d.cn" }},
		"a header in the recipient": {&mailbox{implicit: true}, func(_ *notify.SMTP, d *notify.Delivered) { d.To = "a@b.cn\r\nBcc: c@d.cn" }},
		"a name in the recipient":   {&mailbox{implicit: true}, func(_ *notify.SMTP, d *notify.Delivered) { d.To = "A <a@b.cn>" }},
		"a header in the subject":   {&mailbox{implicit: true}, func(_ *notify.SMTP, d *notify.Delivered) { d.Subject = "a\r\nBcc: c@d.cn" }},
		"a header in the id":        {&mailbox{implicit: true}, func(_ *notify.SMTP, d *notify.Delivered) { d.ID = "a\nBcc: c@d.cn" }},
	} {
		err := send(bad.m, bad.alter)
		if err == nil || strings.Contains(err.Error(), "somebody@") {
			t.Errorf("%s: %v", name, err)
		}
		bad.m.mu.Lock()
		if bad.m.clear || strings.Contains(strings.Join(bad.m.lines, "\n"), "DATA") {
			t.Errorf("%s: sent %q", name, bad.m.lines)
		}
		bad.m.mu.Unlock()
	}
}
