package account_test

import (
	"strings"
	"testing"

	"kejitong/provider/account"
)

// One bare address and nothing that could become a second recipient or a header.
func TestParseEmail(t *testing.T) {
	for _, bad := range []string{
		"", "x", "x@", "@x.cn", "x@y", "a@x.cn,b@x.cn", "a@x.cn\r\nBcc: b@x.cn", "A <a@x.cn>", "a@x.cn (c)", `"a b"@x.cn`, "a@[127.0.0.1]",
		"a@x..cn", "a@.x.cn", "a@x.cn.", "甲@x.cn", "a\u200b@x.cn", strings.Repeat("a", 65) + "@x.cn", "a@" + strings.Repeat("x", 300) + ".cn", "mailto:a@x.cn",
	} {
		if got, err := account.ParseEmail(bad); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
	for in, want := range map[string]string{" Zhang.San+1@Example.CN ": "zhang.san+1@example.cn", "a@x.cn": "a@x.cn"} {
		if got, err := account.ParseEmail(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}
