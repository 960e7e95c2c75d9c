package notify

import (
	"strings"
	"testing"
	"time"
)

// The worked examples of the providers' own documentation.
func TestSignaturesOfTheProvidersDocuments(t *testing.T) {
	query := acsQuery(map[string]string{
		"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai",
	})
	got := acsAuthorization("YourAccessKeyId", []byte("YourAccessKeySecret"), query, map[string]string{
		"host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-version": "2014-05-26", "x-acs-date": "2023-10-26T10:22:32Z",
		"x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d", "x-acs-content-sha256": hexSHA256(""),
	})
	if !strings.HasSuffix(got, "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0") {
		t.Errorf("ACS3: %s", got)
	}
	body := `{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`
	got = tc3Authorization("AKID********************************", []byte("********************************"), "cvm", "cvm.tencentcloudapi.com",
		"DescribeInstances", "application/json; charset=utf-8", body, time.Unix(1551113065, 0))
	if !strings.HasSuffix(got, "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f") {
		t.Errorf("TC3: %s", got)
	}
}

// RFC 3986: what the providers hash is what travels.
func TestCanonicalQuery(t *testing.T) {
	if got := acsQuery(map[string]string{"b": "a b*~+/=", "A": "科技"}); got != "A=%E7%A7%91%E6%8A%80&b=a%20b%2A~%2B%2F%3D" {
		t.Error(got)
	}
}
