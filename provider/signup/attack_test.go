package signup_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/fault"
	"kejitong/provider/signup"
)

const (
	mobile  = "13911112222"
	uscc    = "91110000MA0000269Y"
	another = "91110000MA00000820"
	name    = "北京提灯科技（有限合伙）"
)

// S53, C30: nothing is opened and nothing is sent before the first form is right.
func TestNothingHappensBeforeTheFirstFormIsRight(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		v := guest("browser")
		good := func() signup.Beginning {
			return signup.Beginning{Purpose: signup.Person, Mobile: mobile, Terms: true, Adult: true, Solution: h.solved(v, signup.Person)}
		}
		used := h.solved(v, signup.Person)
		if _, err := h.Begin(t.Context(), guest("third"), signup.Beginning{Purpose: signup.Person, Mobile: mobile, Terms: true, Adult: true, Solution: used}); says(err) == "" {
			t.Fatal("another browser's captcha was taken")
		}
		for _, c := range []struct {
			attack string
			change func(*signup.Beginning)
			want   string
		}{
			{"foreign number", func(b *signup.Beginning) { b.Mobile = "+1 202 555 0100" }, "mobile mobile.form"},
			{"no number", func(b *signup.Beginning) { b.Mobile = " " }, "mobile mobile.empty"},
			{"terms not ticked", func(b *signup.Beginning) { b.Terms = false }, "terms signup.terms"},
			{"a child (C24)", func(b *signup.Beginning) { b.Adult = false }, "adult signup.adult"},
			{"wrong captcha", func(b *signup.Beginning) { b.Solution.Answer = "1" }, "captcha challenge.captcha"},
			{"no captcha", func(b *signup.Beginning) { b.Solution = signup.Solution{} }, "captcha challenge.no_captcha"},
			{"captcha of another purpose", func(b *signup.Beginning) { b.Solution = h.solved(v, signup.FindPerson) }, "captcha challenge.captcha"},
		} {
			b := good()
			c.change(&b)
			if _, err := h.Begin(t.Context(), v, b); says(err) != c.want {
				t.Errorf("%s: %q, want %q", c.attack, says(err), c.want)
			}
		}
		b := good()
		if _, err := h.Begin(t.Context(), v, b); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Begin(t.Context(), v, b); says(err) != "captcha challenge.captcha" {
			t.Errorf("a captcha is taken twice: %q", says(err))
		}
		if n := h.count(`SELECT COUNT(*) FROM signup_flows`); n != 1 || len(h.net.sent) != 1 {
			t.Errorf("%d flows and %d messages, want one each", n, len(h.net.sent))
		}
	})
}

// S56, S36: each step asks the server's record, and a flow is good in its own
// browser, for its own purpose, once and for a while.
func TestStepsCannotBeSkipped(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		v := guest("browser")
		register := func(id string, v signup.Visitor) string {
			_, err := h.Register(t.Context(), id, v, asPerson("somebody"))
			return says(err)
		}
		unproved := h.began(v, signup.Person, "13911110001")
		proved := h.proved(v, signup.Person, mobile)
		search, err := h.Look(t.Context(), v, signup.Search{Purpose: signup.FindPerson, Mobile: "13911110002", Solution: h.solved(v, signup.FindPerson)})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Prove(t.Context(), search, v, h.net.code("+8613911110002")); err != nil {
			t.Fatal(err)
		}
		for attack, got := range map[string]string{
			"code step left out":            register(unproved, v),
			"no flow at all":                register("", v),
			"made-up flow":                  register(strings.Repeat("A", 43), v),
			"the key instead of the id":     register(signup.KeyOf(proved), v),
			"flow in another browser":       register(proved, guest("another")),
			"no browser":                    register(proved, guest("")),
			"search instead of a sign-up":   register(search, v),
			"outcome before there is one":   says(second(h.Done(t.Context(), proved, v))),
			"sign-up instead of a search":   says(third(h.Names(t.Context(), proved, v))),
			"search in another browser":     says(third(h.Names(t.Context(), search, guest("another")))),
			"another browser's code":        says(h.Prove(t.Context(), unproved, guest("another"), h.net.code("+8613911110001"))),
			"another code in other's place": says(h.Again(t.Context(), unproved, guest("another"), h.solved(v, signup.Person))),
		} {
			if got != gone {
				t.Errorf("%s: %q", attack, got)
			}
		}
		// S55: a code is good for the flow that it was sent for.
		if err := h.Prove(t.Context(), unproved, v, h.net.code("+86"+mobile)); says(err) != "code challenge.code" {
			t.Errorf("another flow's code: %q", says(err))
		}
		if n := h.count(`SELECT COUNT(*) FROM accounts`); n != 0 {
			t.Fatalf("%d accounts came of it", n)
		}
		if got := register(proved, v); got != "" {
			t.Fatalf("the flow itself: %s", got)
		}
		for attack, got := range map[string]string{
			"the same flow again":  register(proved, v),
			"proved after its end": says(h.Prove(t.Context(), proved, v, "000000")),
		} {
			if got != gone {
				t.Errorf("%s: %q", attack, got)
			}
		}
		if f, err := h.Done(t.Context(), proved, v); err != nil || f.Data.Login != "somebody" {
			t.Errorf("outcome %+v, %v", f.Data, err)
		}
		late := h.proved(v, signup.Person, "13911110003")
		h.now = h.now.Add(signup.FillWithin)
		if got := register(late, v); got != gone {
			t.Errorf("an expired flow: %q", got)
		}
		if _, err := h.Done(t.Context(), proved, v); says(err) != gone {
			t.Errorf("the outcome is shown for ever: %v", err)
		}
	})
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

// R13, R14 and identifiers: everything that is wrong is said at once, at its
// field, and nothing of it makes an account.
func TestFormsThatAreWrong(t *testing.T) {
	h := newHouse(t, sqlite(t))
	v := guest("browser")
	person, unit := h.proved(v, signup.Person, mobile), h.proved(v, signup.Unit, "13911113333")
	for _, c := range []struct {
		attack string
		flow   string
		form   signup.Application
		want   string
	}{
		{"nothing filled in", person, signup.Application{}, "login_name login.empty, password password.too_short"},
		{"a USCC as a person's login name", person, asPerson("91110000ma00000077"), "login_name login.uscc"},
		{"HJ_ of migrated accounts", person, asPerson("hj_13911112222"), "login_name login.reserved"},
		{"HJ_ in full width", person, asPerson("ＨＪ２＿13911112222"), "login_name login.reserved"},
		{"a mobile that was not proved", person, asPerson("139 1111 9999"), "login_name login.foreign_mobile"},
		{"an ID number", person, asPerson("11010519491231002x"), "login_name login.id_number"},
		{"somebody's e-mail", person, asPerson("zhang@example.cn"), "login_name login.characters"},
		{"Cyrillic look-alike", person, asPerson("аdmin"), "login_name login.characters"},
		{"zero-width", person, asPerson("zhang\u200bsan"), "login_name identifier.invisible_characters"},
		{"two passwords", person, signup.Application{LoginName: "zhangsan", Password: password, Again: password + "x"}, "password_again signup.unequal"},
		{"the mobile as the password", person, signup.Application{LoginName: "zhangsan", Password: "Tel13911112222!", Again: "Tel13911112222!"}, "password password.contains_own_data"},
		{"a unit's fields missing", unit, asPerson("lantern"), "area signup.area, contact name.length, unit_name unit_name.empty, unit_type signup.type, uscc uscc.empty"},
		{"15-digit 注册号", unit, asUnit("lantern", "110108000000000", name), "uscc uscc.registration_number"},
		{"9-character organisation code", unit, asUnit("lantern", "MA01ET88X", name), "uscc uscc.organization_code"},
		{"O for 0", unit, asUnit("lantern", "9111O000MA0000269Y", name), "uscc uscc.letter_o"},
		{"I for 1", unit, asUnit("lantern", "9I110000MA0000269Y", name), "uscc uscc.letter_i"},
		{"check digit", unit, asUnit("lantern", "91110000MA0000269X", name), "uscc uscc.check_digit"},
		{"another unit's USCC as the login name", unit, asUnit(another, uscc, name), "login_name login.uscc"},
		{"the type that the code does not say", unit, func() signup.Application {
			a := asUnit("lantern", "1211000040000000XT", name)
			return a
		}(), "unit_type signup.type_differs"},
		{"the unit's own USCC as the login name, another field wrong", unit, func() signup.Application {
			a := asUnit(uscc, uscc, name)
			a.Contact = ""
			return a
		}(), "contact name.length"},
		{"a USCC as the login name, the unit's own mistyped", unit, asUnit(uscc, "9111O000MA0000269Y", name), "uscc uscc.letter_o"},
		{"markup for a name", unit, asUnit("lantern", uscc, "<script>示例公司"), "unit_name unit_name.characters"},
		{"the unit's name as the password", unit, func() signup.Application {
			a := asUnit("lantern", uscc, "TidewaterLantern公司")
			a.Password, a.Again = "TidewaterLantern公司9!", "TidewaterLantern公司9!"
			return a
		}(), "password password.contains_own_data"},
		{"an area that is none", unit, func() signup.Application {
			a := asUnit("lantern", uscc, name)
			a.Area = "moon"
			return a
		}(), "area signup.area"},
	} {
		if _, err := h.Register(t.Context(), c.flow, v, c.form); says(err) != c.want {
			t.Errorf("%s: %q, want %q", c.attack, says(err), c.want)
		}
	}
	if n := h.count(`SELECT COUNT(*) FROM accounts`) + h.count(`SELECT COUNT(*) FROM units`) + h.count(`SELECT SUM(tries) FROM signup_flows`); n != 0 {
		t.Errorf("%d accounts, units and tries came of forms that are wrong in themselves", n)
	}
	f, err := h.Register(t.Context(), unit, v, asUnit("ｌａｎｔｅｒｎ－Unit", uscc, name))
	if err != nil || f.Data.Login != "lantern-Unit" || f.Data.Doubt {
		t.Errorf("%+v, %v", f.Data, err)
	}
	// A doubtful organisation digit is told and lets go on.
	doubtful := h.proved(v, signup.Unit, "13911114444")
	if f, err := h.Register(t.Context(), doubtful, v, asUnit("91110000ma0000000h", "91110000MA0000000H", "北京存疑科技公司")); err != nil || !f.Data.Doubt || f.Data.Login != "91110000MA0000000H" {
		t.Errorf("doubtful USCC: %+v, %v", f.Data, err)
	}
}

// R15, S49: what is taken is told after the proofs, each in any spelling, and
// the unit's own contact hears of it, once a day.
func TestTaken(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		v := guest("browser")
		if _, err := h.Register(t.Context(), h.proved(v, signup.Unit, mobile), v, asUnit("Lantern.Unit", uscc, name)); err != nil {
			t.Fatal(err)
		}
		flow := h.proved(v, signup.Unit, "13911113333")
		for _, c := range []struct {
			attack string
			form   signup.Application
			want   string
		}{
			{"login name", asUnit("LANTERN.unit", another, "北京另一科技公司"), "login_name signup.taken_login"},
			{"login name in full width", asUnit("ｌａｎｔｅｒｎ．ｕｎｉｔ", another, "北京另一科技公司"), "login_name signup.taken_login"},
			{"USCC", asUnit("other.unit", " 91110000-ma000 0269y", "北京另一科技公司"), "uscc signup.taken_uscc"},
			{"name with other brackets and blanks", asUnit("other.unit", another, " 北京 提灯科技(有限合伙)"), "unit_name signup.taken_name"},
			{"both", asUnit("lantern.unit", another, name), "login_name signup.taken_login, unit_name signup.taken_name"},
		} {
			if _, err := h.Register(t.Context(), flow, v, c.form); says(err) != c.want {
				t.Errorf("%s: %q, want %q", c.attack, says(err), c.want)
			}
		}
		if got := h.net.to("+86" + mobile); !slices.Equal(got, []string{"code_sign_up", "signup_tried"}) {
			t.Errorf("the unit's contact heard %v", got)
		}
		if n := h.audited(audit.SignUpRefused); n != 5 {
			t.Errorf("%d rows of five refusals", n)
		}
		h.now = h.now.Add(24 * time.Hour)
		flow = h.proved(v, signup.Unit, "13911113333")
		if _, err := h.Register(t.Context(), flow, v, asUnit("other.unit", uscc, "北京另一科技公司")); says(err) == "" {
			t.Fatal("the USCC is taken twice")
		}
		if got := h.net.to("+86" + mobile); len(got) != 3 {
			t.Errorf("the next day the contact heard %v", got)
		}
		// A flow is no oracle for ever: its tries end.
		for i := range signup.MaxTries {
			_, err := h.Register(t.Context(), flow, v, asUnit("lantern.unit", another, "北京另一科技公司"))
			if last := i == signup.MaxTries-1; last != (says(err) == gone) {
				t.Fatalf("try %d: %q", i+2, says(err))
			}
		}
	})
}

// S49: whoever asks sees the same, whether the mobile has accounts or not; its
// owner is told.
func TestKnownMobileIsToldToItsOwnerAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		for i, login := range []string{"first", "second"} {
			v := guest(login)
			id := h.proved(v, signup.Person, mobile)
			f, err := h.Register(t.Context(), id, v, asPerson(login))
			if err != nil {
				t.Fatal(err)
			}
			if f.Data.Login != login {
				t.Errorf("outcome %+v", f.Data)
			}
			if got, want := len(h.net.to("+86"+mobile)), []int{1, 3}[i]; got != want {
				t.Errorf("after %d accounts the owner has %d messages, want %d: %v", i+1, got, want, h.net.to("+86"+mobile))
			}
		}
		if got := h.net.to("+86" + mobile); got[len(got)-1] != "signup_known" {
			t.Errorf("the owner heard %v", got)
		}
	})
}

// A unit may be known before it has an account: people act for it. Registering
// gives it one; what is verified of it stays.
func TestUnitThatIsKnownAlready(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		v := guest("browser")
		verified := h.unit(uscc, name, func(u *account.Unit) {
			u.RealName, u.Type = account.RealName{Status: account.StatusVerified, Level: "L2"}, account.UnitEnterprise
		})
		if err := second(h.Register(t.Context(), h.proved(v, signup.Unit, mobile), v, asUnit("lantern", uscc, "北京冒名科技公司"))); says(err) != "unit_name signup.name_differs" {
			t.Errorf("a verified unit under another name: %q", says(err))
		}
		f, err := h.Register(t.Context(), h.proved(v, signup.Unit, mobile), v, asUnit("lantern", uscc, "北京提灯科技(有限合伙)"))
		if err != nil {
			t.Fatal(err)
		}
		u, err := h.db.UnitByUSCC(t.Context(), uscc)
		if err != nil || u.ID != verified.ID || u.Name != name || !u.RealName.Verified() || u.AccountID != f.Data.Account {
			t.Errorf("unit %+v, %v", u, err)
		}
		a, err := h.db.AccountByID(t.Context(), f.Data.Account)
		if err != nil || a.RealName.Verified() || a.UnitID != u.ID {
			t.Errorf("the account is verified by its unit: %+v, %v", a.RealName, err)
		}

		for state, change := range map[string]func(*account.Unit){
			"frozen":       func(u *account.Unit) { u.State = account.Frozen },
			"closed":       func(u *account.Unit) { u.State = account.Closed },
			"deregistered": func(u *account.Unit) { u.Status = account.UnitDeregistered },
		} {
			barred := account.USCC(another)
			if old, err := h.db.UnitByUSCC(t.Context(), barred); err == nil {
				id := old.ID
				inner := change
				change = func(u *account.Unit) { u.ID = id; inner(u) }
			}
			h.unit(barred, "北京停用科技公司", change)
			if err := second(h.Register(t.Context(), h.proved(v, signup.Unit, "13911113333"), v, asUnit("other", another, "北京停用科技公司"))); says(err) != "uscc signup.unit_barred" {
				t.Errorf("%s: %q", state, says(err))
			}
		}
	})
}

// Forms are counted by address; IPv6 by its /64.
func TestFormsOfOneAddressAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		h.Limits = signup.Limits{PerAddress: 2, Window: time.Hour}
		try := func(address, login string) error {
			v := signup.Visitor{Browser: "browser", Address: address, Locale: "zh-CN"}
			_, err := h.Register(t.Context(), h.proved(v, signup.Person, mobile), v, asPerson(login))
			return err
		}
		for i, address := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"} {
			err := try(address, "login-"+address[len(address)-1:]+string(rune('a'+i)))
			if throttled := fault.Is(err, fault.Throttled); throttled != (i == 2) || err != nil && !throttled {
				t.Errorf("%s: %v", address, err)
			}
		}
		if n := h.audited(audit.SignUpThrottled); n != 1 {
			t.Errorf("%d rows of one refusal", n)
		}
		h.now = h.now.Add(time.Hour)
		if err := try("2001:db8::4", "later"); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

// 忘记登录名 of a unit: data that do not fit together look the same and no code is
// ever right (S49, R31).
func TestSearchIsNoOracle(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		v := guest("browser")
		if _, err := h.Register(t.Context(), h.proved(v, signup.Unit, mobile), v, asUnit("lantern", uscc, name)); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			attack             string
			uscc, name, mobile string
			sent               bool
		}{
			{"all fits", uscc, "北京提灯科技(有限合伙)", mobile, true},
			{"another name", uscc, "北京另一科技公司", mobile, false},
			{"another's mobile", uscc, name, "13911119999", false},
			{"a unit that nobody registered", another, name, mobile, false},
		} {
			h.now = h.now.Add(61 * time.Minute) // C30: five codes an hour
			before := len(h.net.to("+86" + c.mobile))
			id, err := h.Look(t.Context(), v, signup.Search{Purpose: signup.FindUnit, USCC: c.uscc, UnitName: c.name, Mobile: c.mobile, Solution: h.solved(v, signup.FindUnit)})
			if err != nil {
				t.Fatalf("%s: %v", c.attack, err)
			}
			if f, err := h.Current(t.Context(), id, v, signup.FindUnit); err != nil || string(f.Data.Mobile) != c.mobile {
				t.Errorf("%s: %+v, %v", c.attack, f, err)
			}
			if sent := len(h.net.to("+86"+c.mobile)) > before; sent != c.sent {
				t.Errorf("%s: a code went out: %v", c.attack, sent)
			}
			err = h.Prove(t.Context(), id, v, h.net.code("+86"+mobile))
			if c.sent != (err == nil) {
				t.Errorf("%s: %v", c.attack, err)
			}
			_, found, err := h.Names(t.Context(), id, v)
			if c.sent != (err == nil) || c.sent && (len(found) != 1 || found[0].LoginName != "lantern") {
				t.Errorf("%s: found %+v, %v", c.attack, found, err)
			}
			// A further code is as silent as the first one.
			if !c.sent {
				h.now = h.now.Add(61 * time.Second)
				if err := h.Again(t.Context(), id, v, h.solved(v, signup.FindUnit)); err != nil {
					t.Errorf("%s: again: %v", c.attack, err)
				}
				if len(h.net.to("+86"+c.mobile)) > before {
					t.Errorf("%s: the second code went out", c.attack)
				}
			}
		}
		if n := h.audited(audit.LoginNameTold); n != 1 {
			t.Errorf("%d rows of one telling", n)
		}
	})
}
