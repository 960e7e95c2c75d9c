package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// TestOperatorsFirstHour is an installation from nothing to two accounts that
// may use a system, by the command line alone.
func TestOperatorsFirstHour(t *testing.T) {
	d := &desk{t: t, dir: t.TempDir()}
	d.makes("keys", "root", "--out", filepath.Join(d.dir, "root.key"))
	d.conf = d.file("kejitong.yaml", "issuer: http://localhost:8080\nlisten:\n  address: 127.0.0.1:8080\n  internal_address: "+quietAddress(t)+
		"\ndatabase:\n  driver: sqlite\n  path: "+filepath.Join(d.dir, "kejitong.db")+"\nkeys:\n  root_key_file: "+filepath.Join(d.dir, "root.key")+"\n")

	d.does("migrate")
	d.does("grant", "system", "--code", "hightech_enterprise", "--name-zh", "高新技术企业认定", "--name-en", "High-tech enterprise recognition", "--owner", "火炬中心",
		"--entry-url", "https://hightech.example.cn/login", "--action", "apply,report", "--account-kind", "natural_person", "--account-kind", "legal_entity")
	var rp clientReport
	d.tells(&rp, "client", "add", "--id", "hightech", "--name", "高企认定管理工作网", "--system", "hightech_enterprise", "--first-party",
		"--redirect-uri", "https://hightech.example.cn/cb", "--post-logout-redirect-uri", "https://hightech.example.cn/signed-out")
	if len(rp.Secret) != 43 || len(rp.Warnings) != 0 {
		t.Errorf("got %+v", rp)
	}

	var person, unit accountReport
	d.tells(&person, "account", "add", "--kind", "natural_person", "--login", "zhangsan", "--generate-password", "--realname", "verified", "--level", "L3",
		"--method", "manual", "--check-id", "c-889", "--check-organization", "国办统一身份认证核验接口", "--process-id", "rn-0001",
		"--name", "张三", "--id-number", "11000019900101003x", "--phone", "+86 187-1111-1111", "--email", "z@example.cn", "--verified-email")
	d.tells(&unit, "account", "add", "--kind", "legal_entity", "--uscc", "９１１１０１０８ＭＡ０１ＥＴ８８ＸＬ", "--unit-name", "示例科技有限公司", "--region", "110108",
		"--generate-password", "--realname", "verified", "--legal-rep-name", "李四", "--legal-rep-id-number", "440000198512319997",
		"--contact-name", "王五", "--contact-phone", "13800000000")
	if person.Name != "张*" || person.Phone != "187****1111" || person.Level != "L3" || unit.Login != "91110108MA01ET88XL" && unit.Login == "" {
		t.Errorf("got %+v and %+v", person, unit)
	}
	d.does("grant", "add", "--login", aUSCC, "--system", "hightech_enterprise", "--action", "apply,report", "--source", "verification")
	d.does("unit", "mandate", "add", "--login", "zhangsan", "--uscc", aUSCC, "--until", "2099-12-31")
	d.does("grant", "add", "--login", "zhangsan", "--uscc", aUSCC, "--system", "hightech_enterprise", "--action", "apply", "--source", "delegated")

	d.inside(func(a *app) {
		d.signsIn(a, "zhangsan", person.Password, true)
		d.signsIn(a, "zhangsan", unit.Password, false)
		d.signsIn(a, strings.ToLower(aUSCC), unit.Password, true)
		p, err := findPrincipal(t.Context(), a, "zhangsan")
		if err != nil {
			t.Fatal(err)
		}
		who, n := p.Account.Profile, p.Account.RealName
		if who.IDNumber != aNumber || who.Nationality != "CHN" || who.Phone != "+8618711111111" || !who.PhoneVerified || !who.EmailVerified ||
			n.CheckID != "c-889" || n.ProcessID != "rn-0001" || n.Method != "manual" || n.VerifiedAt.IsZero() {
			t.Errorf("got %+v, %+v", who, n)
		}
		l, err := findPrincipal(t.Context(), a, aUSCC)
		if err != nil {
			t.Fatal(err)
		}
		if l.Unit == nil || l.Unit.AccountID != l.Account.ID || l.Unit.Region != "110108" || !l.Unit.RealName.Verified() ||
			l.Account.Profile.LegalRep.IDNumber != "440000198512319997" || l.Account.Profile.Contact.Phone != "+8613800000000" {
			t.Errorf("got %+v and %+v", l.Account.Profile, l.Unit)
		}
		c, err := a.db.Client(t.Context(), "hightech")
		if err != nil || !c.Knows(a.ring.Snapshot(), rp.Secret, now()) {
			t.Errorf("the client's secret does not work: %v", err)
		}
		trail, err := a.db.RecentAudit(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]int{}
		for _, row := range trail {
			kinds[string(row.Kind)]++
			for _, secret := range []string{person.Password, unit.Password, rp.Secret, aNumber, "18711111111", "zhangsan", "张三"} {
				if strings.Contains(row.Object+row.Detail+row.Actor, secret) {
					t.Errorf("the audit trail tells %q", secret)
				}
			}
		}
		for kind, n := range map[string]int{"account.created": 2, "client.created": 1, "entitlement.made": 3, "unit.changed": 1} {
			if kinds[kind] != n {
				t.Errorf("%d audit rows of %s, want %d", kinds[kind], kind, n)
			}
		}
	})
	if out := d.does("doctor"); strings.Contains(out, string(verdictFailed)) || !strings.Contains(out, "keys") {
		t.Errorf("the doctor is not content:\n%s", out)
	}
}

// TestEveryCommandExplainsItself: what stands in the overview has a help text
// of its own, and nothing runs without its configuration.
func TestEveryCommandExplainsItself(t *testing.T) {
	for noun, verbs := range map[string][]string{
		"account": {"add", "freeze", "unfreeze", "password"}, "unit": {"add", "mandate"}, "client": {"add", "list", "show", "disable", "enable", "secret", "review", "token"}, "client token": {"add", "list", "revoke"},
		"grant": {"system", "add", "end", "list"}, "keys": {"root", "list", "rotate"}, "unit mandate": {"add", "end"},
	} {
		for _, args := range [][]string{nil, {"--help"}} {
			var out bytes.Buffer
			if err := dispatch(t.Context(), append(strings.Fields(noun), args...), &out); err != nil {
				t.Errorf("%s: %v", noun, err)
			}
			for _, verb := range verbs {
				if !strings.Contains(out.String(), "  "+verb) {
					t.Errorf("%s does not explain %s", noun, verb)
				}
			}
		}
	}
	for _, line := range []string{
		"account freeze --login zhangsan", "unit mandate end --login zhangsan", "client list", "client show --id x", "grant list --login zhangsan",
		"keys list", "keys rotate signing", "doctor", "unit add --uscc 91110108MA01ET88XL --name x",
	} {
		if err := dispatch(t.Context(), strings.Fields(line), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "--config") {
			t.Errorf("%s without a configuration: %v", line, err)
		}
	}
}
