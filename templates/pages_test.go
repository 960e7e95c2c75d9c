package templates_test

import (
	"bytes"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"

	"kejitong/templates"
)

var update = flag.Bool("update", false, "write the golden pages in testdata")

const longName = "北京示例量子信息与人工智能交叉科学技术研究院（有限合伙）中关村第二分公司"

func system() *templates.System {
	return &templates.System{
		Name: "高新技术企业认定", Owner: "工业和信息化部火炬高技术产业开发中心",
		PolicyURL: "https://gaoqi.example.gov.cn/privacy", TosURL: "https://gaoqi.example.gov.cn/tos",
		Host: "gaoqi.example.gov.cn",
	}
}

func units() []templates.Unit {
	return []templates.Unit{
		{ID: "u1", Name: "示例科技有限公司", USCC: "91110108MA01ET88XL", Relation: "handler",
			Entries: []string{"高新技术企业认定"}, Until: time.Date(2027, 11, 10, 16, 0, 0, 0, time.UTC)},
		{ID: "u2", Name: longName, USCC: "91350100M000100Y43", Relation: "admin", Last: true,
			Entries: []string{"高新技术企业认定", "科技型中小企业评价"}},
	}
}

// samples are every page, drawn the way that strains it: long names, errors,
// all optional parts. Each area adds its own in a file samples_<area>_test.go.
func samples() map[string]templates.Page {
	all := coreSamples()
	for _, area := range []func() map[string]templates.Page{
		portalSamples,
		proofSamples,
		holderSamples,
		handlerSamples,
		recoverSamples,
		uploadSamples,
		deskSamples,
		importSamples,
		deskSystemSamples, deskWebhookSamples,
		securitySamples,
		helpSamples,
		enrollSamples,
		lookupSamples,
		diagnoseSamples,
		consoleSamples,
		servicesSamples,
		rightsSamples,
	} {
		for name, p := range area() {
			all[name] = p
		}
	}
	return all
}

func coreSamples() map[string]templates.Page {
	hidden := map[string]string{"interaction": "ia_4kPz"}
	logo := system()
	logo.LogoURL = "https://gaoqi.example.gov.cn/logo.png"
	return map[string]templates.Page{
		"signin": templates.SignIn{
			Window: templates.NaturalPerson, NaturalPersonURL: "/login", LegalEntityURL: "/login?window=legal_entity",
		},
		"signin_asked": templates.SignIn{
			Asks: system(), Window: templates.LegalEntity,
			NaturalPersonURL: "/login?id=1&window=natural_person", LegalEntityURL: "/login?id=1&window=legal_entity",
			Username: "91110108MA01ET88XL", Error: templates.T("signin.error.bad_credentials"), Hidden: hidden,
			Cancel: true, ForgotURL: "/forgot", LookupURL: "/lookup", RegisterURL: "/register",
		},
		"signin_throttled": templates.SignIn{
			Asks: logo, Window: templates.LegalEntity, Username: `"><script>alert(1)</script>`,
			Error: templates.T("signin.error.throttled", 15), UsernameError: templates.T("signin.error.username"),
			PasswordError: templates.T("signin.error.password"), Notice: templates.T("signin.notice.again"),
			SharedComputer: true, CancelURL: "/back",
		},
		"signin_window": templates.SignIn{
			Window: templates.NaturalPerson, NaturalPersonURL: "/a", LegalEntityURL: "/b", Username: "zhangsan",
			Error: templates.T("signin.error.wrong_window", templates.T("signin.legal")),
		},
		"window":   templates.RightWindow{Asks: system(), Username: "91110108MA01ET88XL", Window: templates.LegalEntity, Hidden: hidden, Cancel: true},
		"password": templates.NewPassword{Asks: system(), Login: "zhangsan", Minimum: 8, Classes: true, Hidden: hidden, Cancel: true},
		"password_refused": templates.NewPassword{
			Login: `"><script>alert(1)</script>`, Minimum: 15, Error: templates.T("newpassword.unequal"), Why: templates.T("password.too_short", 15),
		},
		"account": templates.SelectAccount{
			Asks: system(), Person: longName, AccountType: templates.LegalEntity, Hidden: hidden, Cancel: true,
		},
		"unit": templates.ChooseUnit{
			Asks: system(), Person: "王*", Units: units(), AsMyself: true, Hidden: hidden, Cancel: true,
		},
		"unit_none": templates.ChooseUnit{Asks: system(), Person: "王*", Hidden: hidden, Cancel: true},
		"consent": templates.Consent{
			Asks: *system(), LegalName: "工业和信息化部火炬高技术产业开发中心", Contact: "010-88659000",
			Purpose: "办理高新技术企业认定申报", Retention: "认定有效期满后三年", Person: "王*", Unit: &units()[1],
			Items: []templates.Item{
				{Claim: "name", Value: "王*", Scope: "profile"},
				{Claim: "phone_number", Value: "187****1111", Scope: "phone"},
				{Claim: "org", Value: longName + " 91350100M000100Y43", Scope: "org"},
				{Claim: "entitlements", Value: "hightech_enterprise:apply", Scope: "entitlements"},
				{Claim: "https://example.com/own_claim", Scope: "own"},
			},
			Sensitive: []templates.Item{{Claim: "id_number", Value: "110***********003X", Scope: "id_number"}},
			Offline:   true, WithdrawURL: "/account/consents", Hidden: hidden,
		},
		"consent_unreviewed": templates.Consent{
			Asks: templates.System{Name: "未审核应用", Host: "app.example.com"}, Unreviewed: true, Person: "王*",
			Items: []templates.Item{{Claim: "name", Value: "王*", Scope: "profile"}}, Hidden: hidden,
		},
		"consent_device": templates.Consent{
			Asks: *system(), Device: "WDJB-MJHT", Person: "王*", Items: []templates.Item{{Claim: "name", Value: "王*", Scope: "profile"}}, Hidden: hidden,
		},
		"device":           templates.Device{},
		"device_throttled": templates.Device{Error: templates.T("device.error.throttled", 15)},
		"device_unknown":   templates.Device{Code: `"><script>alert(1)</script>`, Error: templates.T("device.error.unknown")},
		"device_allowed":   templates.DeviceDone{Allowed: true},
		"device_refused":   templates.DeviceDone{},
		"refused_not_verified": templates.Refused{
			Asks: system(), Kind: templates.NotVerified, Person: "王*", AccountType: templates.NaturalPerson,
			StepURL: "/realname", CanSwitch: true, CanGoBack: true, Hidden: hidden,
		},
		"refused_level": templates.Refused{
			Asks: system(), Kind: templates.LevelTooLow, Person: "王*", AccountType: templates.NaturalPerson,
			Level: "L2", NeedLevel: "L3", CanSwitch: true, CanGoBack: true, Hidden: hidden,
		},
		"refused_type": templates.Refused{
			Asks: system(), Kind: templates.WrongAccountType, Person: "王*", AccountType: templates.NaturalPerson,
			NeedType: templates.LegalEntity, CanSwitch: true, CanGoBack: true, Hidden: hidden,
		},
		"refused_entitlement": templates.Refused{
			Asks: system(), Kind: templates.NotEntitled, Person: "王*", AccountType: templates.NaturalPerson,
			Unit: longName, CanSwitch: true, CanGoBack: true, CanPickUnit: true, Hidden: hidden,
		},
		"refused_ended": templates.Refused{
			Asks: system(), Kind: templates.NotEntitled, Person: "王*", AccountType: templates.NaturalPerson,
			Ended: longName, EndedAt: time.Date(2026, 11, 26, 1, 2, 0, 0, time.UTC), StepURL: "/me/services/ask", CanSwitch: true, CanGoBack: true, Hidden: hidden,
		},
		"refused_start_again": templates.Refused{
			Asks: system(), Kind: templates.NotEntitled, Person: "王*", AccountType: templates.NaturalPerson,
			StartURL: "https://gaoqi.example.gov.cn/start?a=1&iss=https%3A%2F%2Fop", CanSwitch: true, CanGoBack: true, Hidden: hidden,
		},
		"signout": templates.SignOut{Asks: system(), Person: "王*", Hidden: hidden},
		"parting": templates.Parting{Frames: []string{"https://gaoqi.example.gov.cn/fc?x=1&iss=https%3A%2F%2Fop&sid=s", "https://other.example/fc?iss=a&sid=b"},
			ContinueURL: "https://gaoqi.example.gov.cn/bye?a=1&b=2", ContinueName: "高新技术企业认定"},
		"parting_switched": templates.Parting{Frames: []string{"https://gaoqi.example.gov.cn/fc?iss=a&sid=b"}, ContinueURL: "/", Switched: true},
		"signedout":        templates.SignedOut{ContinueURL: "https://gaoqi.example.gov.cn/bye?a=1&b=2", ContinueName: "高新技术企业认定", Refresh: true, RefreshSeconds: 1},
		"signedout_here":   templates.SignedOut{},
		"formpost": templates.FormPost{
			Action: "com.example.app:/oauth/cb", To: "示例应用",
			Params: url.Values{"code": {"c0de"}, "state": {`"><img src=x onerror=alert(1)>`}, "iss": {"https://fuwu.example.gov.cn"}},
		},
		"home": templates.Home{},
		"home_signed_in": templates.Home{Visitor: &templates.Visitor{
			Name: "王*", AccountType: templates.NaturalPerson, LoginName: "13800000000", Verified: true, Level: "L2",
			SignedInAt: time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC), Factors: "pwd", Units: units(),
			Access: []templates.Access{
				{System: *system(), Unit: longName, Actions: []string{"apply", "report"}, EntryURL: "https://gaoqi.example.gov.cn/", Until: time.Date(2027, 11, 11, 0, 0, 0, 0, time.UTC)},
				{System: templates.System{Name: "科技型中小企业评价"}, Unit: "示例科技有限公司", Actions: []string{"register"}, Migrated: true, EntryURL: "javascript:alert(1)"},
			},
		}},
		"home_unverified": templates.Home{Visitor: &templates.Visitor{Name: "赵六", AccountType: templates.NaturalPerson, Level: "L1"}},
		"problem_404":     templates.Problem{Status: 404},
		"problem_429":     templates.Problem{Status: 429, RetryAfter: 14*time.Minute + time.Second, Detail: "login name and address", BackURL: "/login", BackName: "高新技术企业认定"},
		"problem_500":     templates.Problem{Status: 500},
	}
}

func frame(tag language.Tag) templates.Frame {
	return templates.Frame{
		Locale: tag, Nonce: "bm9uY2U", FormToken: "f0rmt0ken", RequestID: "k3v7qd2m5x4a6b2c", Version: "1.0.0",
		Switches: []templates.Switch{{Tag: templates.English, Name: "English", URL: "/lang?to=en&return_to=%2Flogin"}},
	}
}

func renderer(t testing.TB) *templates.Renderer {
	t.Helper()
	r, err := templates.New(templates.Options{ManualURL: "/manual", PrivacyURL: "/privacy"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func draw(t testing.TB, r *templates.Renderer, f templates.Frame, p templates.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Render(&b, f, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGoldenPages(t *testing.T) {
	r := renderer(t)
	for name, p := range samples() {
		for _, tag := range r.Languages() {
			t.Run(name+"/"+tag.String(), func(t *testing.T) {
				f := frame(tag)
				if !p.Interaction() {
					f.Person, f.Unit = "王*", longName
				}
				got := draw(t, r, f, p)
				// The hashes of the static files change with every stroke of
				// the stylesheet, the pages do not.
				got = hashes.ReplaceAllString(got, "/static/$1.HASH.$2")
				file := filepath.Join("testdata", name+"."+tag.String()+".html")
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("%s differs; look at the page, then run the test with -update\n%s", file, got)
				}
			})
		}
	}
}

func TestEveryPage(t *testing.T) {
	r := renderer(t)
	for name, p := range samples() {
		for _, tag := range r.Languages() {
			t.Run(name+"/"+tag.String(), func(t *testing.T) {
				got := draw(t, r, frame(tag), p)
				if len(got) > 60<<10 {
					t.Errorf("page has %d bytes", len(got))
				}
				for _, bad := range []string{"ZgotmplZ", "<script>alert", "<img src=x", "javascript:", " style=", " onclick=", " onload=", "登陆"} {
					if strings.Contains(got, bad) {
						t.Errorf("page contains %q", bad)
					}
				}
				if !strings.Contains(got, `<html lang="`+tag.String()+`">`) {
					t.Error("page does not say its language")
				}
				if n := strings.Count(got, "<h1"); n != 1 {
					t.Errorf("page has %d main headings", n)
				}
				for _, tagged := range scripts.FindAllString(got, -1) {
					if !strings.Contains(tagged, `nonce="bm9uY2U"`) {
						t.Errorf("script without nonce: %s", tagged)
					}
				}
				checkForms(t, got, p)
				checkLabels(t, got)
			})
		}
	}
}

// checkForms: every form of ours carries the token once, a form to somebody
// else never.
func checkForms(t *testing.T, page string, p templates.Page) {
	t.Helper()
	_, foreign := p.(templates.FormPost)
	for _, form := range forms.FindAllString(page, -1) {
		n := strings.Count(form, `name="form_token" value="f0rmt0ken"`)
		asked := strings.Contains(form, `method="get"`) // its fields stand in the address: no token there
		if (foreign || asked) && n != 0 || !foreign && !asked && n != 1 {
			t.Errorf("form carries %d tokens: %s", n, form)
		}
	}
	if n := len(forms.FindAllString(page, -1)); n > 0 {
		if f, ok := p.(templates.Formless); ok && f.Formless() && !foreign {
			t.Errorf("page says it has no form and has %d", n)
		}
	}
}

// checkLabels: every visible field has a label of its own or stands in one.
func checkLabels(t *testing.T, page string) {
	t.Helper()
	for _, input := range inputs.FindAllString(page, -1) {
		switch {
		case strings.Contains(input, `type="hidden"`), strings.Contains(input, `type="checkbox"`):
		default:
			id := ids.FindStringSubmatch(input)
			if id == nil || !strings.Contains(page, `<label for="`+id[1]+`"`) {
				t.Errorf("field without label: %s", input)
			}
		}
	}
}
