package notify

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Tencent delivers SMS through Tencent Cloud's SendSms (version 2021-01-11),
// signed with TC3-HMAC-SHA256. A template's places are filled in the order of the
// message's.
type Tencent struct {
	Endpoint  string // https://sms.tencentcloudapi.com
	Region    string // such as ap-guangzhou
	KeyID     string
	KeySecret []byte
	AppID     string // SmsSdkAppId
	Signature string // 短信签名
	Templates []Template
	HTTP      *http.Client
	Now       func() time.Time
}

var _ Sender = (*Tencent)(nil)

// Send implements Sender.
func (t *Tencent) Send(ctx context.Context, d Delivered) error {
	template, err := templateOf(t.Templates, d.Purpose)
	if err != nil {
		return err
	}
	args := d.Args
	if args == nil {
		args = []string{}
	}
	body, err := json.Marshal(struct {
		PhoneNumberSet   []string
		SmsSdkAppId      string //nolint:revive // the provider's spelling
		SignName         string
		TemplateId       string //nolint:revive // the provider's spelling
		TemplateParamSet []string
		SessionContext   string
	}{[]string{d.To}, t.AppID, t.Signature, template, args, d.ID})
	if err != nil {
		return fmt.Errorf("tencent: %w", err)
	}
	u, err := url.Parse(t.Endpoint)
	if err != nil {
		return fmt.Errorf("tencent: bad endpoint")
	}
	const kind, action = "application/json; charset=utf-8", "SendSms"
	now := t.Now()
	answer, err := post(ctx, t.HTTP, t.Endpoint+"/", body, map[string]string{
		"Content-Type": kind, "X-TC-Action": action, "X-TC-Version": "2021-01-11", "X-TC-Region": t.Region, "X-TC-Timestamp": strconv.FormatInt(now.Unix(), 10),
		"Authorization": tc3Authorization(t.KeyID, t.KeySecret, "sms", u.Host, action, kind, string(body), now),
	})
	if err != nil {
		return err
	}
	var said struct {
		Response struct {
			Error         struct{ Code string }
			SendStatusSet []struct{ Code string }
		}
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return fmt.Errorf("tencent: an answer that is no JSON")
	}
	if code := said.Response.Error.Code; code != "" {
		return fmt.Errorf("tencent: %s", clipped(code))
	}
	if len(said.Response.SendStatusSet) != 1 {
		return fmt.Errorf("tencent: an answer without a status")
	}
	if code := said.Response.SendStatusSet[0].Code; code != "Ok" {
		return fmt.Errorf("tencent: %s", clipped(code))
	}
	return nil
}

// tc3Authorization signs a POST to / (Tencent Cloud, "signature v3").
func tc3Authorization(id string, secret []byte, service, host, action, contentType, body string, now time.Time) string {
	const algorithm, signed = "TC3-HMAC-SHA256", "content-type;host;x-tc-action"
	date := now.UTC().Format("2006-01-02")
	scope := date + "/" + service + "/tc3_request"
	canonical := "POST\n/\n\ncontent-type:" + contentType + "\nhost:" + host + "\nx-tc-action:" + strings.ToLower(action) + "\n\n" + signed + "\n" + hexSHA256(body)
	toSign := algorithm + "\n" + strconv.FormatInt(now.Unix(), 10) + "\n" + scope + "\n" + hexSHA256(canonical)
	key := hmacSHA256(hmacSHA256(hmacSHA256(append([]byte("TC3"), secret...), date), service), "tc3_request")
	return algorithm + " Credential=" + id + "/" + scope + ", SignedHeaders=" + signed + ", Signature=" + hex.EncodeToString(hmacSHA256(key, toSign))
}
