package account_test

import (
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

func TestNormaliseLoginRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, msg string }{
		{"nothing", "", account.MsgLoginEmpty},
		{"ideographic blanks only", "\u3000\u3000", account.MsgLoginEmpty},
		{"zero-width space", "zhang\u200bsan", account.MsgInvisible},
		{"zero-width at the end", "zhangsan\ufeff", account.MsgInvisible},
		{"right-to-left override", "zhang\u202esan", account.MsgInvisible},
		{"NUL", "zhang\x00san", account.MsgInvisible},
		{"newline inside", "zhang\nsan", account.MsgInvisible},
		{"variation selector", "zhang\ufe0fsan", account.MsgInvisible},
		{"Hangul filler", "zhang\u3164san", account.MsgInvisible},
		{"broken UTF-8", "zhang\xffsan", account.MsgInvisible},
		{"blank inside", "zhang san", account.MsgLoginSpace},
		{"65 characters", strings.Repeat("a", 65), account.MsgLoginLong},
		{"a megabyte", strings.Repeat("a", 1<<20), account.MsgLoginLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			key, err := account.NormaliseLogin(c.in)
			wantFault(t, err, c.msg)
			if key != "" {
				t.Errorf("refused, yet gave key %q", key)
			}
		})
	}
}

func TestOneKeyForEverySpelling(t *testing.T) {
	for key, spellings := range map[string][]string{
		"18711111111": {
			"18711111111", " 18711111111\t", "１８７１１１１１１１１", "187 1111 1111", "187-1111-1111",
			"+8618711111111", "+86 187-1111-1111", "008618711111111", "8618711111111", "＋８６１８７１１１１１１１１",
		},
		"91110108ma01et88xl": {
			"91110108MA01ET88XL", "91110108ma01et88xl", "９１１１０１０８ＭＡ０１ＥＴ８８ＸＬ", "9111 0108 MA01 ET88 XL", "91110108-MA01ET88X-L",
		},
		"hj_91110108ma01et88xl": {"HJ_91110108MA01ET88XL", "hj_91110108MA01ET88XL", "ＨＪ＿91110108MA01ET88XL"},
		"zhangsan":              {"ZhangSan", "ＺＨＡＮＧＳＡＮ", "zhangſan", " zhangsan\u00a0"},
		"strasse":               {"STRASSE", "straße"},
		"示例科技":                  {"示例科技", " 示例科技\u3000"},
		"wang-xiao":             {"Wang-Xiao"},
	} {
		for _, s := range spellings {
			got, err := account.NormaliseLogin(s)
			if err != nil || got != key {
				t.Errorf("%q: got %q, %v; want %q", s, got, err, key)
			}
		}
	}
}

func TestDistinctNamesStayDistinct(t *testing.T) {
	for _, pair := range [][2]string{
		{"zhang-san", "zhangsan"},
		{"91110108MA01ET88XL", "HJ_91110108MA01ET88XL"},
		{"18711111111", "HJ_18711111111"},
		{"9111O108MA01ET88XL", "91110108MA01ET88XL"}, // O for 0 is never corrected
	} {
		a, errA := account.NormaliseLogin(pair[0])
		b, errB := account.NormaliseLogin(pair[1])
		if errA != nil || errB != nil || a == b {
			t.Errorf("%q and %q: keys %q and %q (%v, %v)", pair[0], pair[1], a, b, errA, errB)
		}
	}
}

func TestCheckNewLogin(t *testing.T) {
	const person, legal = account.NaturalPerson, account.LegalEntity
	for _, c := range []struct {
		name, login string
		kind        account.Kind
		proved, msg string
	}{
		{"person squats a USCC", "91110108MA01ET88XL", person, "", account.MsgLoginUSCC},
		{"person squats a USCC in full width", "９１１１０１０８ma01et88xl", person, "", account.MsgLoginUSCC},
		{"person squats a mobile", "18711111111", person, "", account.MsgLoginMobile},
		{"person squats another's mobile", "+86 187 1111 1111", person, "13800000000", account.MsgLoginMobile},
		{"legal account squats a mobile", "18711111111", legal, "", account.MsgLoginMobile},
		{"reserved prefix", "HJ_18711111111", person, "", account.MsgLoginReserved},
		{"reserved prefix, numbered", "hj2_anything", legal, "", account.MsgLoginReserved},
		{"reserved prefix, full width", "ＨＪ＿anything", person, "", account.MsgLoginReserved},
		{"Cyrillic homograph", "zh\u0430ngsan", person, "", account.MsgLoginCharacters},
		{"somebody's e-mail", "zhang@example.cn", person, "", account.MsgLoginCharacters},
		{"resident number", "11010519491231002x", person, "", account.MsgLoginIDNumber},
		{"resident number for a unit", "110000199001010013", legal, "", account.MsgLoginIDNumber},
		{"too short", "abc", person, "", account.MsgLoginShort},
		{"zero-width", "zhang\u200bsan", person, "", account.MsgInvisible},
		{"own mobile, proved", "187 1111 1111", person, "+8618711111111", ""},
		{"plain name", "ZhangSan_01", person, "", ""},
		{"Chinese name", "张三的账号", person, "", ""},
		{"HJ without underscore", "hj2020", person, "", ""},
		{"unit's USCC", "91110108MA01ET88XL", legal, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := account.CheckNewLogin(c.login, c.kind, c.proved)
			if c.msg != "" {
				wantFault(t, err, c.msg)
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestCheckNewUnitLogin(t *testing.T) {
	own := account.USCC("91110108MA01ET88XL")
	wantFault(t, account.CheckNewUnitLogin("91110000MA00000077", own, ""), account.MsgLoginUSCC)
	wantFault(t, account.CheckNewUnitLogin("hj_x", own, ""), account.MsgLoginReserved)
	for _, ok := range []string{"91110108ma01et88xl", "shili-keji"} {
		if err := account.CheckNewUnitLogin(ok, own, ""); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
}

func FuzzNormaliseLogin(f *testing.F) {
	for _, s := range []string{"ZhangSan", "１８７１１１１１１１１", "+86 187-1111-1111", "straße", "\u0345\u0399", "İ", "¨a", "ﷺ", "ΐ", "\u1e9e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := account.NormaliseLogin(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v is no fault.Invalid", s, err)
			}
			return
		}
		if again, err := account.NormaliseLogin(key); err != nil || again != key {
			t.Fatalf("%q: key %q has key %q, %v", s, key, again, err)
		}
		// Upper-casing is left to ASCII: some letters have no way back.
		if upper, err := account.NormaliseLogin(asciiUpper(s)); err != nil || upper != key {
			t.Fatalf("%q: key %q, in upper case %q, %v", s, key, upper, err)
		}
	})
}

func asciiUpper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 32
		}
	}
	return string(b)
}
