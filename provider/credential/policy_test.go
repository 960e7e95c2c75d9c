package credential_test

import (
	"errors"
	"strings"
	"testing"

	"kejitong/provider/credential"
	"kejitong/provider/fault"
)

func TestPolicy(t *testing.T) {
	standard, long := credential.Policy{}, credential.Policy{LengthOnly: true}
	own := []string{"WangXiaoming", "91110108MA01ET88XL", "+8618723456789", "王小明", "11010519491231002X", "", "ab"}
	const short, tooLong, broken, class, mine, common = credential.MsgPasswordShort, credential.MsgPasswordLong,
		credential.MsgPasswordBroken, credential.MsgPasswordClasses, credential.MsgPasswordForbidden, credential.MsgPasswordCommon
	for _, c := range []struct {
		name     string
		policy   credential.Policy
		password string
		want     string
	}{
		{"empty", standard, "", short},
		{"7 characters", standard, "Xk9#mQ2", short},
		{"7 characters of many bytes", standard, "长城Ab1#明", short},
		{"257 characters", standard, strings.Repeat("Xk9#", 64) + "a", tooLong},
		{"broken UTF-8", standard, "Xk9#mQ2v\xff", broken},
		{"two classes", standard, "xkqmv29481", class},
		{"one class", standard, "xkqmvwzpty", class},
		{"full-width letters are letters", standard, "ｘｋｑｍｖ２９４８１", class},
		{"login name", standard, "#9wangxiaoming", mine},
		{"login name in capitals", standard, "WANGXIAOMING-9a", mine},
		{"USCC", standard, "#91110108ma01et88xl", mine},
		{"mobile", standard, "Xk#18723456789", mine},
		{"mobile with hyphens", standard, "Xk#187-2345-6789", mine},
		{"end of the mobile", standard, "Xk#v456789", mine},
		{"end of the ID number", standard, "Xk#v31002x", mine},
		{"name", standard, "王小明Xk9#m", mine},
		{"password", standard, "Password1!", common},
		{"password in leet", standard, "P@ssw0rd2026", common},
		{"counting", standard, "Abc12345!", common},
		{"counting with repeated letter", standard, "Aa123456!", common},
		{"keyboard", standard, "Qwer1234!", common},
		{"keyboard columns with shift", standard, "1qaz@WSX", common},
		{"shifted digits", standard, "Abc123!@#", common},
		{"service word", standard, "Kejitong@2026", common},
		{"service word, Torch", standard, "Huoju#2026", common},
		{"service word in Chinese", standard, "科技通Abc#1", common},
		{"admin", standard, "Admin@123456", common},
		{"love", standard, "Woaini#520", common},
		{"alternating, well known", standard, "A1b2c3d4!", common},
		{"repetition", standard, "Xk9#Xk9#Xk9#", common},
		{"year", standard, "Abcd#1990", common},
		{"denied by configuration", credential.Policy{Deny: []string{"ShiJiCheng"}}, "Shijicheng#88", common},
		{"longer minimum", credential.Policy{MinLength: 12}, "Xk9#mQ2vTz!", short},
		{"minimum cannot go below eight", credential.Policy{MinLength: 4}, "Xk9#", short},
		{"14 characters alone", long, "xkqmvwzptyabcr", short},
		{"15 times a", long, "aaaaaaaaaaaaaaa", common},
		{"15 digits counted", long, "098765432109876", common},
		{"the alphabet", long, "abcdefghijklmnop", common},
		{"1234 four times", long, "1234123412341234", common},
		{"service words only", long, "kejitonghuoju2026", common},
		{"own data in a long one", long, "correct wangxiaoming battery", mine},

		{"eight of four classes", standard, "Xk9#mQ2v", ""},
		{"eight of three classes", standard, "Xk9vmQ2z", ""},
		{"Chinese counts as other", standard, "长城Abv1明月夜", ""},
		{"256 characters", standard, "Xk9#" + strings.Repeat("mQ2vTzP7", 31) + "abcd", ""},
		{"common word in a long phrase", standard, "Xk9#mQ2vTz-password", ""},
		{"blanks are characters", standard, "tea pot 9 Hills", ""},
		{"pass phrase without classes", long, "seven hills behind the river", ""},
		{"64 characters", long, strings.Repeat("kqzmvwtp", 7) + "abcrxnjo", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.policy.Check(c.password, own...)
			if c.want == "" {
				if err != nil {
					t.Fatalf("%q refused: %v", c.password, err)
				}
				return
			}
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != "password" || f.Msg != c.want {
				t.Fatalf("%q: got %v, want %s", c.password, err, c.want)
			}
		})
	}
}

func FuzzPolicyAndHasherAgree(f *testing.F) {
	f.Add("Xk9#mQ2v", "wangxiaoming")
	f.Add("\ufdfa\ufdfa", "\xff")
	h := tiny()
	f.Fuzz(func(t *testing.T, password, own string) {
		if (credential.Policy{}).Check(password, own) != nil {
			return
		}
		phc, err := h.Hash(t.Context(), password)
		if err != nil {
			t.Fatalf("%q passes the policy and cannot be hashed: %v", password, err)
		}
		if ok, _, err := h.Verify(t.Context(), phc, password); !ok || err != nil {
			t.Fatalf("%q does not verify: %v", password, err)
		}
	})
}

func TestMessagesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range credential.Messages() {
		if m == "" || seen[m] {
			t.Errorf("message key %q is empty or listed twice", m)
		}
		seen[m] = true
	}
}
