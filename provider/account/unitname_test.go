package account_test

import (
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

func TestUnitNames(t *testing.T) {
	for _, c := range []struct{ name, typed, want, msg string }{
		{"nothing", " 　", "", account.MsgUnitNameEmpty},
		{"one character", "司", "", account.MsgUnitNameLength},
		{"too long", strings.Repeat("司", 101), "", account.MsgUnitNameLength},
		{"a megabyte", strings.Repeat("司", 1<<20), "", account.MsgUnitNameLength},
		{"markup", "示例<b>公司", "", account.MsgUnitNameCharacters},
		{"digits alone", "123456", "", account.MsgUnitNameCharacters},
		{"brackets alone", "（（））", "", account.MsgUnitNameCharacters},
		{"zero-width space inside", "示例\u200b公司", "", account.MsgInvisible},
		{"right-to-left override", "示例\u202e公司", "", account.MsgInvisible},
		{"a line break", "示例\x00公司", "", account.MsgInvisible},
		{"blanks", "  示例　 科技公司 ", "示例 科技公司", ""},
		{"full-width brackets stay", "北京示例中心（有限合伙）", "北京示例中心（有限合伙）", ""},
		{"rare character", "北京\U0002A700科技公司", "北京\U0002A700科技公司", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := account.ParseUnitName(c.typed)
			if c.msg == "" {
				if err != nil || got != c.want {
					t.Fatalf("%q, %v", got, err)
				}
				return
			}
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.msg) {
				t.Fatalf("%q, %v; want %s", got, err, c.msg)
			}
		})
	}
}

func TestOneKeyForOneUnitName(t *testing.T) {
	const want = "北京示例abc科技(有限合伙)"
	for _, s := range []string{"北京示例ABC科技（有限合伙）", "北京示例ＡＢＣ科技(有限合伙)", " 北京 示例abc 科技〔有限合伙〕", "北京示例-ABC·科技【有限合伙】"} {
		if got := account.UnitNameKey(s); got != want {
			t.Errorf("%q: %q", s, got)
		}
	}
	if account.UnitNameKey("北京示例科技") == account.UnitNameKey("北京示范科技") {
		t.Error("two names share a key")
	}
}

func FuzzUnitName(f *testing.F) {
	for _, s := range []string{"示例科技有限公司", "A（b）", "\u200b", "１２", "ß·ﬀ", "\U0002A700\ufe00司"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := account.ParseUnitName(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		key := account.UnitNameKey(name)
		if key == "" || key != account.UnitNameKey(key) || account.UnitNameKey(s) != key {
			t.Fatalf("%q: name %q, key %q, key of the key %q", s, name, key, account.UnitNameKey(key))
		}
		if again, err := account.ParseUnitName(name); err != nil || again != name {
			t.Fatalf("%q: %q, %v", name, again, err)
		}
	})
}

func TestAreas(t *testing.T) {
	for region, want := range map[string]string{"110108": account.Mainland, "810000": account.HMT, "820000": account.HMT, "710000": account.HMT, "": account.Overseas, "100000": account.Mainland} {
		u := account.Unit{Region: region}
		if got := u.Area(); got != want {
			t.Errorf("%s: %s", region, got)
		}
	}
}

// C24: fourteen is reached at midnight in Beijing, not in UTC.
func TestNeedsGuardian(t *testing.T) {
	born := account.ResidentID("110000201211260011").Birth()
	for _, c := range []struct {
		now  time.Time
		want bool
	}{
		{time.Date(2026, 11, 25, 15, 59, 59, 0, time.UTC), true},
		{time.Date(2026, 11, 25, 16, 0, 0, 0, time.UTC), false},
		{time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), true},
		{time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC), false},
	} {
		if got := account.NeedsGuardian(born, c.now); got != c.want {
			t.Errorf("%s: %v", c.now, got)
		}
	}
	leap := time.Date(2012, 2, 29, 0, 0, 0, 0, time.FixedZone("CST", 8*3600))
	if !account.NeedsGuardian(leap, time.Date(2026, 2, 28, 15, 0, 0, 0, time.UTC)) || account.NeedsGuardian(leap, time.Date(2026, 2, 28, 16, 0, 0, 0, time.UTC)) {
		t.Error("29 February is not reached on 1 March")
	}
}
