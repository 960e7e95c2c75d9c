package config

import (
	"net"
	"net/mail"
	"net/url"
	"path"
	"strings"
	"time"
)

// The values of notify.sms.driver.
const (
	SMSGateway = "gateway"
	SMSAliyun  = "aliyun"
	SMSTencent = "tencent"
)

// Notify says how people are told something.
type Notify struct {
	// Text messages.
	SMS SMS `key:"sms"`

	// E-mail.
	Email Email `key:"email"`
}

// SMS says how text messages are sent.
type SMS struct {
	// gateway (an HTTP gateway of your own, see docs/operate.md), aliyun or tencent.
	// Empty: none is sent, and whatever needs a code by SMS does not work.
	Driver string `key:"driver"`

	// Its address, https; http on a loopback address only. Empty takes the
	// provider's own for aliyun and tencent.
	Endpoint string `key:"endpoint"`

	// Name of the access key (aliyun: AccessKeyId, tencent: SecretId).
	KeyID string `key:"key_id"`

	// File that holds the secret of the access key, or the key that requests to a
	// gateway are signed with (32 characters or more); readable by its owner alone.
	KeyFile string `key:"key_file" credential:"sms_key"`

	// Key is that secret.
	Key Secret `key:"-"`

	// The registered signature (短信签名), without brackets.
	Signature string `key:"signature"`

	// Registered texts by purpose, each purpose=template; the first that fits
	// counts, and a purpose may end in *, such as "code_*=SMS_154950909".
	Templates []string `key:"templates"`

	// Tencent's SmsSdkAppId; put it in quotes.
	AppID string `key:"app_id"`

	// Tencent's region.
	Region string `key:"region" default:"ap-guangzhou"`

	// Longest time of one delivery.
	Timeout time.Duration `key:"timeout" default:"8s"`

	// Codes that may be asked for from one address in an hour.
	PerAddress int `key:"per_address" default:"20"`

	// Codes that may be sent in an hour all together; beyond it none are, and the
	// log says so.
	PerHour int `key:"per_hour" default:"20000"`
}

// Email says how e-mail is sent.
type Email struct {
	// SMTP server, host:port; empty: none is sent.
	Server string `key:"server"`

	// starttls or tls (from the first byte, as on port 465). Nothing is sent in the
	// clear.
	Security string `key:"security" default:"starttls"`

	// User; empty for a server that asks for none.
	Username string `key:"username"`

	// File that holds the password, readable by its owner alone.
	PasswordFile string `key:"password_file" credential:"smtp_password"`

	// Password is that password.
	Password Secret `key:"-"`

	// The sender, such as "Service <noreply@example.gov.cn>".
	From string `key:"from"`

	// Longest time of one delivery.
	Timeout time.Duration `key:"timeout" default:"20s"`
}

// readNotifySecrets reads the keys of the drivers that are used.
func readNotifySecrets(c *Config, problems *Problems) {
	for _, f := range []struct {
		key, path string
		used      bool
		to        *Secret
	}{
		{"notify.sms.key_file", c.Notify.SMS.KeyFile, c.Notify.SMS.Driver != "", &c.Notify.SMS.Key},
		{"notify.email.password_file", c.Notify.Email.PasswordFile, c.Notify.Email.Server != "", &c.Notify.Email.Password},
	} {
		if f.path == "" || !f.used {
			continue
		}
		content, wrong := readSecretFile(f.path, 0o077)
		if wrong != "" {
			problems.add(f.key, f.path, wrong)
			continue
		}
		*f.to = NewSecret([]byte(strings.TrimSpace(string(content))))
	}
}

// checkNotify holds the drivers to what they need.
func (c Config) checkNotify(p *Problems) {
	c.checkSMS(p)
	e := c.Notify.Email
	oneOf(p, "notify.email.security", e.Security, "starttls", "tls")
	between(p, "notify.email.timeout", e.Timeout, time.Second, time.Minute)
	if e.Server == "" {
		return
	}
	if host, port, err := net.SplitHostPort(e.Server); err != nil || host == "" || !isPort(port) {
		p.add("notify.email.server", e.Server, "is not host:port")
	}
	if from, err := mail.ParseAddress(e.From); err != nil || strings.ContainsAny(from.Name+from.Address, "\r\n") {
		p.add("notify.email.from", e.From, `is not one address such as "Service <noreply@example.gov.cn>"`)
	}
	if e.Username != "" && e.PasswordFile == "" {
		p.add("notify.email.password_file", "", "is missing; name the file that holds the password of notify.email.username")
	}
}

func (c Config) checkSMS(p *Problems) {
	s := c.Notify.SMS
	between(p, "notify.sms.timeout", s.Timeout, time.Second, 20*time.Second)
	within(p, "notify.sms.per_address", s.PerAddress, 1, 10000)
	within(p, "notify.sms.per_hour", s.PerHour, 1, 10000000)
	if s.Driver == "" {
		return
	}
	oneOf(p, "notify.sms.driver", s.Driver, SMSGateway, SMSAliyun, SMSTencent)
	switch u, err := url.Parse(s.Endpoint); {
	case s.Endpoint == "" && s.Driver == SMSGateway:
		p.add("notify.sms.endpoint", "", "is missing; name the address of the gateway")
	case s.Endpoint == "":
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		p.add("notify.sms.endpoint", "", "is not an https address")
	case s.Driver != SMSGateway && (u.Path != "" || u.RawQuery != ""):
		p.add("notify.sms.endpoint", s.Endpoint, "carries a path; scheme, host and port alone are signed")
	}
	switch {
	case s.KeyFile == "":
		p.add("notify.sms.key_file", "", "is missing")
	case s.Driver == SMSGateway && s.Key.IsSet() && len(s.Key.Bytes()) < 32:
		p.add("notify.sms.key_file", s.KeyFile, "holds fewer than 32 characters")
	}
	if s.Driver == SMSGateway {
		return
	}
	for key, value := range map[string]string{"notify.sms.key_id": s.KeyID, "notify.sms.signature": s.Signature} {
		if value == "" {
			p.add(key, "", "is missing; "+s.Driver+" needs it")
		}
	}
	if s.Driver == SMSTencent && s.AppID == "" {
		p.add("notify.sms.app_id", "", "is missing; tencent needs it")
	}
	if len(s.Templates) == 0 {
		p.add("notify.sms.templates", "", "is missing; "+s.Driver+" sends registered texts alone")
	}
	for _, one := range s.Templates {
		purpose, id, ok := strings.Cut(one, "=")
		if _, err := path.Match(purpose, ""); !ok || purpose == "" || id == "" || err != nil {
			p.add("notify.sms.templates", one, "is not purpose=template")
		}
	}
}
