package device

import (
	"strings"
	"testing"
)

// RFC 8628 §6.1: what users type is read kindly, and nothing else passes.
func TestReadUserCode(t *testing.T) {
	for _, row := range []struct{ name, typed, want string }{
		{"nothing", "", ""},
		{"too short", "WDJB-MJH", ""},
		{"too long", "WDJB-MJHTT", ""},
		{"a vowel", "WDJB-MJHA", ""},
		{"a digit", "WDJB-MJH1", ""},
		{"Y is not among the letters", "WDJB-MJHY", ""},
		{"Cyrillic look-alikes", "ВDJB-MJHT", ""},
		{"a zero-width blank", "WDJB\u200b-MJHT", ""},
		{"a NUL", "WDJB\x00MJHT", ""},
		{"broken UTF-8", "WDJB\xffMJHT", ""},
		{"long beyond reason", strings.Repeat(" ", 80) + "WDJBMJHT", ""},
		{"as shown", "WDJB-MJHT", "WDJB-MJHT"},
		{"small letters", "wdjb-mjht", "WDJB-MJHT"},
		{"without the dash", "WDJBMJHT", "WDJB-MJHT"},
		{"with blanks", " w d j b  m j h t ", "WDJB-MJHT"},
		{"full-width letters and dash", "ＷＤＪＢ－ｍｊｈｔ", "WDJB-MJHT"},
		{"ideographic blank", "WDJB\u3000MJHT", "WDJB-MJHT"},
		{"a long dash", "WDJB—MJHT", "WDJB-MJHT"},
		{"a minus", "WDJB−MJHT", "WDJB-MJHT"},
	} {
		got, ok := ReadUserCode(row.typed)
		if got != row.want || ok != (row.want != "") {
			t.Errorf("%s: %q, %v, want %q", row.name, got, ok, row.want)
		}
	}
}

// RFC 8628 §6.1 and §5.2: two groups of four out of twenty letters, all of them
// used and none favoured.
func TestNewUserCode(t *testing.T) {
	seen := map[rune]int{}
	const codes = 5000
	for range codes {
		code, err := NewUserCode()
		if err != nil {
			t.Fatal(err)
		}
		if again, ok := ReadUserCode(code); !ok || again != code {
			t.Fatalf("%q is read as %q", code, again)
		}
		for _, c := range strings.Replace(code, "-", "", 1) {
			seen[c]++
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d letters in use, want 20", len(seen))
	}
	for c, n := range seen { // 2000 each expected; six standard deviations are 262
		if n < 1738 || n > 2262 {
			t.Errorf("%c occurs %d times in %d codes", c, n, codes)
		}
	}
}

// FuzzReadUserCode: whatever is typed, what passes is a code as shown.
func FuzzReadUserCode(f *testing.F) {
	for _, s := range []string{"WDJB-MJHT", "ｗｄｊｂ", "\xff", "ß-ŉ-ﬀ", "ﬀﬀﬀﬀ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := ReadUserCode(typed)
		if !ok {
			return
		}
		again, ok := ReadUserCode(code)
		if !ok || again != code || len(code) != 9 || code[4] != '-' || strings.Trim(code, letters+"-") != "" {
			t.Errorf("%q gives %q", typed, code)
		}
	})
}

// Device codes are 256 random bits (RFC 8628 §5.2).
func TestNewDeviceCode(t *testing.T) {
	one, key, err := NewDeviceCode()
	if err != nil || len(one) != 43 || Key(one) != key || key == one {
		t.Errorf("%q %q %v", one, key, err)
	}
	if two, _, _ := NewDeviceCode(); two == one {
		t.Error("the same twice")
	}
}
