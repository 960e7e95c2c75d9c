package account_test

import (
	"strings"
	"testing"

	"kejitong/provider/account"
)

func TestMasks(t *testing.T) {
	for _, c := range []struct {
		name     string
		mask     func(string) string
		in, want string
	}{
		{"name", account.MaskName, "张三", "张*"},
		{"name of four", account.MaskName, "欧阳娜娜", "欧**"},
		{"long name", account.MaskName, "买买提·吐尔逊江", "买**"},
		{"rare character", account.MaskName, "\U0002A700三", "\U0002A700*"},
		{"one character", account.MaskName, "张", "*"},
		{"no name", account.MaskName, "", ""},
		{"mobile", account.MaskMobile, "18711111111", "187****1111"},
		{"mobile E.164", account.MaskMobile, "+8618711111111", "187****1111"},
		{"foreign number", account.MaskMobile, "+85291234567", "**********67"},
		{"not a number", account.MaskMobile, "123", "***"},
		{"resident number", account.MaskID, "11010519491231003X", "110***********003X"},
		{"passport", account.MaskID, "E12345678", "E*******8"},
		{"tiny", account.MaskID, "E12", "***"},
		{"public page", account.MaskIDPublic, "11010519491231003X", "1****************X"},
		{"e-mail", account.MaskEmail, "alice@x.cn", "a***@x.cn"},
		{"e-mail of one letter", account.MaskEmail, "a@x.cn", "***@x.cn"},
		{"no e-mail", account.MaskEmail, "alice", "*****"},
		{"two at signs", account.MaskEmail, "\"a@b\"@x.cn", "\"***@x.cn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.mask(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzMasksHide(f *testing.F) {
	f.Add("18711111111")
	f.Add("11010519491231003X")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "*") || len([]rune(strings.TrimSpace(s))) < 2 {
			return
		}
		for _, got := range []string{account.MaskMobile(s), account.MaskID(s), account.MaskIDPublic(s), account.MaskName(s)} {
			if got == s {
				t.Fatalf("%q shown in full", s)
			}
		}
		_ = account.MaskEmail(s)
	})
}

func TestParseName(t *testing.T) {
	for _, c := range []struct{ name, in, want, msg string }{
		{"one character", "张", "", account.MsgNameLength},
		{"51 characters", strings.Repeat("张", 51), "", account.MsgNameLength},
		{"a megabyte", strings.Repeat("张", 1<<18), "", account.MsgNameLength},
		{"zero-width", "张\u200b三", "", account.MsgInvisible},
		{"a digit", "张三3", "", account.MsgNameCharacters},
		{"markup", "<b>张三", "", account.MsgNameCharacters},
		{"plain", " 张三 ", "张三", ""},
		{"middle dots", "买买提•吐尔逊．江", "买买提·吐尔逊·江", ""},
		{"blanks", "Anna  Maria\u3000Li", "Anna Maria Li", ""},
		{"compatibility ideograph kept", "\uf9dd李", "\uf9dd李", ""},
		{"beyond the basic plane", "张\U0002A700", "张\U0002A700", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := account.ParseName(c.in)
			if c.msg != "" {
				wantFault(t, err, c.msg)
			} else if err != nil || got != c.want {
				t.Fatalf("got %q, %v", got, err)
			}
		})
	}
}

func TestParseMobile(t *testing.T) {
	for _, c := range []struct{ name, in, msg string }{
		{"nothing", " ", account.MsgMobileEmpty},
		{"12 at the front", "12711111111", account.MsgMobileForm},
		{"10 digits", "1871111111", account.MsgMobileForm},
		{"12 digits", "187111111111", account.MsgMobileForm},
		{"Hong Kong", "+85291234567", account.MsgMobileForm},
		{"prefix twice", "+86+8618711111111", account.MsgMobileForm},
		{"letter O", "1871111111O", account.MsgMobileForm},
		{"direction mark", "\u202a1871\u202c1111111", account.MsgInvisible},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := account.ParseMobile(c.in)
			wantFault(t, err, c.msg)
		})
	}
	for _, in := range []string{"18711111111", "+8618711111111", "+86 187-1111-1111", "0086 18711111111", "１８７１１１１１１１１"} {
		m, err := account.ParseMobile(in)
		if err != nil || m != "18711111111" || m.E164() != "+8618711111111" {
			t.Errorf("%q: %q, %v", in, m, err)
		}
	}
}

func FuzzParseMobile(f *testing.F) {
	f.Add("+86 187-1111-1111")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := account.ParseMobile(s)
		if err != nil {
			return
		}
		if again, err := account.ParseMobile(m.E164()); err != nil || again != m || len(m) != 11 {
			t.Fatalf("%q: %q, again %q, %v", s, m, again, err)
		}
	})
}
