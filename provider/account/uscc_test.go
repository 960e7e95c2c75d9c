package account_test

import (
	"errors"
	"strings"
	"testing"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

// wantFault fails unless err is fault.Invalid with message key msg.
func wantFault(t *testing.T, err error, msg string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Msg != msg {
		t.Fatalf("got %v, want fault.Invalid %q", err, msg)
	}
	if f.Field == "" {
		t.Fatalf("fault %q blames no field", f.Msg)
	}
}

func TestParseUSCCRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, msg string }{
		{"nothing", " ", account.MsgUSCCEmpty},
		{"the common example with Z", "91350100M000100Y4Z", account.MsgUSCCAlphabet},
		{"letter I for one", "91110108MA01ET88XI", account.MsgUSCCLetterI},
		{"letter O for zero", "9111O108MA01ET88XL", account.MsgUSCCLetterO},
		{"wrong check character", "91110108MA01ET88X1", account.MsgUSCCCheck},
		{"wrong character inside", "91110108NA01ET88XL", account.MsgUSCCCheck},
		{"letter S in the region", "9111010SMA01ET88XL", account.MsgUSCCAlphabet},
		{"letter A in the region", "9111010AMA01ET88XL", account.MsgUSCCRegion},
		{"17 characters", "91110108MA01ET88X", account.MsgUSCCLength},
		{"19 characters", "91110108MA01ET88XLL", account.MsgUSCCLength},
		{"15-digit registration number", "110108012345678", account.MsgUSCCRegistration},
		{"organisation code", "MA01ET88X", account.MsgUSCCOrganization},
		{"organisation code, hyphened", "MA01ET88-X", account.MsgUSCCOrganization},
		{"zero-width space inside", "91110108\u200bMA01ET88XL", account.MsgInvisible},
		{"Cyrillic А", "91110108M\u041001ET88XL", account.MsgUSCCAlphabet},
		{"a megabyte", strings.Repeat("9", 1<<20), account.MsgTooLong},
		{"broken UTF-8", "91110108MA01ET88X\xff", account.MsgInvisible},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := account.ParseUSCC(c.in)
			wantFault(t, err, c.msg)
		})
	}
}

func TestParseUSCCAccepts(t *testing.T) {
	for _, c := range []struct{ in, want, unitType string }{
		{"91110108MA01ET88XL", "91110108MA01ET88XL", account.UnitEnterprise},
		{" 91110108ma01et88xl ", "91110108MA01ET88XL", account.UnitEnterprise},
		{"9111 0108-MA01 ET88XL", "91110108MA01ET88XL", account.UnitEnterprise},
		{"９１１１０１０８ＭＡ０１ＥＴ８８ＸＬ", "91110108MA01ET88XL", account.UnitEnterprise},
		{"91350100M000100Y43", "91350100M000100Y43", account.UnitEnterprise},
		{"91110000MA00000077", "91110000MA00000077", account.UnitEnterprise},
		{"91110000MA00000820", "91110000MA00000820", account.UnitEnterprise},
		{"91110000MA0000269Y", "91110000MA0000269Y", account.UnitEnterprise},
		{"92310000MA1GT0001P", "92310000MA1GT0001P", account.UnitIndividualBusiness},
		{"93440000MA0T000038", "93440000MA0T000038", account.UnitCooperative},
		{"11110000000000019K", "11110000000000019K", account.UnitGovernment},
		{"1211000040000000XT", "1211000040000000XT", account.UnitPublicInstitution},
		{"51110000500000015U", "51110000500000015U", account.UnitSocialOrganization},
		{"52110000500000023K", "52110000500000023K", account.UnitSocialOrganization},
		{"53110000500000031B", "53110000500000031B", account.UnitSocialOrganization},
		{"31110000MD0000008N", "31110000MD0000008N", account.UnitOther},
		{"81110000MC00000043", "81110000MC00000043", account.UnitOther},
		{"N2110000MF0000005T", "N2110000MF0000005T", account.UnitOther},
		{"810000199001010019", "810000199001010019", account.UnitOther},
	} {
		t.Run(c.in, func(t *testing.T) {
			u, err := account.ParseUSCC(c.in)
			if err != nil || string(u) != c.want {
				t.Fatalf("got %q, %v", u, err)
			}
			if got := u.UnitType(); got != c.unitType {
				t.Errorf("type %q, want %q", got, c.unitType)
			}
			if got := u.Region(); got != c.want[2:8] {
				t.Errorf("region %q", got)
			}
		})
	}
}

func TestWrongOrganisationDigitWarnsOnly(t *testing.T) {
	u, err := account.ParseUSCC("91110000MA0000000H")
	if err != nil || !u.Doubtful() {
		t.Fatalf("got %q doubtful=%v, %v; want accepted and doubtful", u, u.Doubtful(), err)
	}
	u, err = account.ParseUSCC("91110108MA01ET88XL")
	if err != nil || u.Doubtful() || u.OrganizationCode() != "MA01ET88X" {
		t.Fatalf("got %q doubtful=%v, %v", u, u.Doubtful(), err)
	}
}

func TestEverySlipIsDetected(t *testing.T) {
	const good, alphabet = "91110108MA01ET88XL", "0123456789ABCDEFGHJKLMNPQRTUWXY"
	for i := range good {
		for _, r := range alphabet {
			if slip := good[:i] + string(r) + good[i+1:]; slip != good {
				if _, err := account.ParseUSCC(slip); err == nil {
					t.Errorf("accepted %s", slip)
				}
			}
		}
		if i > 0 && good[i] != good[i-1] {
			slip := good[:i-1] + string(good[i]) + string(good[i-1]) + good[i+1:]
			if _, err := account.ParseUSCC(slip); err == nil {
				t.Errorf("accepted transposition %s", slip)
			}
		}
	}
}

func FuzzParseUSCC(f *testing.F) {
	f.Add("91110108MA01ET88XL")
	f.Add("９１１１０１０８ma01et88xl")
	f.Add("MA01ET88-X")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := account.ParseUSCC(s)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v is no fault.Invalid", s, err)
			}
			return
		}
		again, err := account.ParseUSCC(string(u))
		if err != nil || again != u || len(u) != 18 {
			t.Fatalf("%q: canonical form %q does not parse to itself: %q, %v", s, u, again, err)
		}
		_ = u.Doubtful()
	})
}
