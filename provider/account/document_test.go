package account_test

import (
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/fault"
)

var now = time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)

func TestParseResidentIDRefuses(t *testing.T) {
	for _, c := range []struct{ name, in, msg string }{
		{"nothing", "", account.MsgResidentEmpty},
		{"wrong check digit", "110000199001010012", account.MsgResidentCheck},
		{"30 February with a right check digit", "110000199002300012", account.MsgResidentDate},
		{"no such province", "990000199001010013", account.MsgResidentProvince},
		{"born in the future", "110000210001010012", account.MsgResidentFuture},
		{"card of 15 digits", "110105491231002", account.MsgResidentVoid},
		{"17 digits", "11000019900101001", account.MsgResidentLength},
		{"a letter inside", "1100001990010X0013", account.MsgResidentDigits},
		{"a letter at the end", "11000019900101001Y", account.MsgResidentDigits},
		{"zero-width joiner", "110000199001010\u200d013", account.MsgInvisible},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := account.ParseResidentID(c.in, now)
			wantFault(t, err, c.msg)
		})
	}
}

func TestParseResidentIDAccepts(t *testing.T) {
	for _, c := range []struct {
		in, want, birth string
		male, permit    bool
	}{
		{"11010519491231002X", "11010519491231002X", "1949-12-31", false, false},
		{"11010519491231002x", "11010519491231002X", "1949-12-31", false, false},
		{"１１０１０５１９４９１２３１００２ｘ", "11010519491231002X", "1949-12-31", false, false},
		{"110105 19491231 002X", "11010519491231002X", "1949-12-31", false, false},
		{"440524188001010014", "440524188001010014", "1880-01-01", true, false},
		{"110000199001010013", "110000199001010013", "1990-01-01", true, false},
		{"11000019900101003X", "11000019900101003X", "1990-01-01", true, false},
		{"110000199001010080", "110000199001010080", "1990-01-01", false, false},
		{"310000200002290013", "310000200002290013", "2000-02-29", true, false},
		{"440000198512319997", "440000198512319997", "1985-12-31", true, false},
		{"650000197001011231", "650000197001011231", "1970-01-01", true, false},
		{"810000199001010019", "810000199001010019", "1990-01-01", true, true},
		{"820000199001010029", "820000199001010029", "1990-01-01", false, true},
		{"830000199001010039", "830000199001010039", "1990-01-01", true, true},
	} {
		t.Run(c.in, func(t *testing.T) {
			r, err := account.ParseResidentID(c.in, now)
			if err != nil || string(r) != c.want {
				t.Fatalf("got %q, %v", r, err)
			}
			if got := r.Birth().Format(time.DateOnly); got != c.birth {
				t.Errorf("born %s, want %s", got, c.birth)
			}
			if r.Male() != c.male || r.Residence() != c.permit {
				t.Errorf("male %v, permit %v", r.Male(), r.Residence())
			}
		})
	}
}

func TestBornToday(t *testing.T) {
	const born = "110000199001010013"
	beijingMidnight := time.Date(1989, 12, 31, 16, 0, 0, 0, time.UTC)
	if _, err := account.ParseResidentID(born, beijingMidnight.Add(-time.Second)); err == nil {
		t.Error("accepted a second before the day began in Beijing")
	}
	if _, err := account.ParseResidentID(born, beijingMidnight); err != nil {
		t.Errorf("refused on the day itself: %v", err)
	}
}

func TestParseDocument(t *testing.T) {
	for _, c := range []struct{ name, docType, in, want, msg string }{
		{"unknown type", "library_card", "1", "", account.MsgDocumentType},
		{"no type, number of a resident", "", "110000199001010013", "", account.MsgDocumentType},
		{"resident number as residence permit", account.DocResidencePermit, "110000199001010013", "", account.MsgResidencePermit},
		{"permanent card, wrong check", account.DocPermanent, "911124198108030025", "", account.MsgPermanentCheck},
		{"permanent card, no such day", account.DocPermanent, "911124198102300024", "", account.MsgPermanentDate},
		{"USCC as permanent card", account.DocPermanent, "91110108MA01ET88XL", "", account.MsgPermanentForm},
		{"pass with a wrong letter", account.DocMainlandPass, "A12345678", "", account.MsgDocumentForm},
		{"passport with a slash", account.DocPassport, "E1234/678", "", account.MsgDocumentForm},
		{"Taiwan pass of 7 digits", account.DocTaiwanPass, "1234567", "", account.MsgDocumentForm},
		{"permanent card", account.DocPermanent, "911124198108030024", "911124198108030024", ""},
		{"permanent card, second", account.DocPermanent, "911840199001010018", "911840199001010018", ""},
		{"permanent card, third", account.DocPermanent, "９31156199001010014", "931156199001010014", ""},
		{"permanent card, older form", account.DocPermanent, "usa110180010112", "USA110180010112", ""},
		{"residence permit that is a USCC too", account.DocResidencePermit, "810000199001010019", "810000199001010019", ""},
		{"mainland pass", account.DocMainlandPass, "h12345678", "H12345678", ""},
		{"mainland pass, 10 digits", account.DocMainlandPass, "M1234567801", "M1234567801", ""},
		{"Taiwan pass", account.DocTaiwanPass, "12345678", "12345678", ""},
		{"passport", account.DocPassport, "ｅ12345678", "E12345678", ""},
		{"resident", account.DocResident, "11000019900101003x", "11000019900101003X", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := account.ParseDocument(c.docType, c.in, now)
			if c.msg != "" {
				wantFault(t, err, c.msg)
				return
			}
			if err != nil || got != c.want {
				t.Fatalf("got %q, %v", got, err)
			}
		})
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add(account.DocResident, "11010519491231002X")
	f.Add(account.DocPermanent, "911124198108030024")
	f.Add(account.DocPassport, "e 1234-5678")
	f.Fuzz(func(t *testing.T, docType, s string) {
		got, err := account.ParseDocument(docType, s, now)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v is no fault.Invalid", s, err)
			}
			return
		}
		if again, err := account.ParseDocument(docType, got, now); err != nil || again != got {
			t.Fatalf("%q: canonical form %q does not parse to itself: %q, %v", s, got, again, err)
		}
	})
}
