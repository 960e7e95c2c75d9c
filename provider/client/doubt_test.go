package client_test

import (
	"slices"
	"testing"

	"kejitong/provider/client"
)

// S69: names that pass for another's are shown to whoever reviews them.
func TestDoubtsAboutNames(t *testing.T) {
	others := []string{"科技政务服务平台", "Torch Portal", "高新技术企业认定"}
	for _, c := range []struct {
		name, redirect string
		want           []client.Doubt
	}{
		{"某某科技有限公司", "https://rp.example/cb", nil},
		{"Müller's ERP 2", "https://rp.example/cb", nil},
		{"高新技术企业认定", "https://rp.example/cb", []client.Doubt{client.SameName}},
		{"高新 技术·企业认定", "https://rp.example/cb", []client.Doubt{client.SameName}},
		{"TORCH  p0rtal", "https://rp.example/cb", []client.Doubt{client.SameName}},
		{"Ｔｏｒｃｈ　Ｐｏｒｔａｌ", "https://rp.example/cb", []client.Doubt{client.SameName}},
		{"Tоrch Portal", "https://rp.example/cb", []client.Doubt{client.SameName, client.MixedScripts}}, // a Cyrillic о
		{"科技部统一登录", "https://rp.example/cb", []client.Doubt{client.OfficialWords}},
		{"科技部统一登录", "https://x.most.gov.cn/cb", nil},
		{"科技部统一登录", "https://x.most.gov.cn.example/cb", []client.Doubt{client.OfficialWords}},
		{"", "https://rp.example/cb", nil},
	} {
		m := client.Metadata{Name: c.name, RedirectURIs: []string{c.redirect}}
		if got := m.Doubts(others...); !slices.Equal(got, c.want) {
			t.Errorf("%q at %s: %v, want %v", c.name, c.redirect, got, c.want)
		}
	}
}
