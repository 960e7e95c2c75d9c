package relyingparty

import (
	"encoding/json"
	"net/http"
	"strings"
)

// homePage is what a signed-in browser sees.
type homePage struct {
	Name        string // verified, else empty
	AccountType string
	Status      string // of the real name
	Verified    bool
	Level       string
	ACR         string
	AMR         string
	Subject     string
	Actor       string
	SID         string
	Org         *unit
	Relation    string
	Grants      []string
	AccessEnds  string
	Overdue     bool
	CanRefresh  bool
	Since       string
	Note        string

	IDToken, Userinfo, Introspection string
}

func (v *server) home(w http.ResponseWriter, r *http.Request) {
	if to, wrong := v.misnamed(r); wrong {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	one, found := v.sessions.find(v.sessionKey(r))
	if !found || one.ended != live {
		ended := ""
		if one.ended == endedByProvider {
			ended = beijing(one.endedAt)
		}
		v.render(w, r, http.StatusOK, "welcome", map[string]any{"EndedAt": ended})
		return
	}
	v.render(w, r, http.StatusOK, "home", v.homeOf(one))
}

func (v *server) homeOf(one session) homePage {
	who := one.who
	p := homePage{Name: who.name, AccountType: accountType(who.AccountType), ACR: strength(who.ACR), AMR: strings.Join(who.AMR, " + "),
		Subject: who.Subject, SID: who.SID, Org: who.Org, Grants: who.grants, CanRefresh: one.refresh != "", Since: beijing(one.began),
		Note: one.note, IDToken: one.idJSON, Userinfo: one.infoJSON, Introspection: one.introspection}
	if who.Realname != nil {
		p.Verified = who.Realname.Status == "verified"
		p.Status, p.Level = realnameStatus(who.Realname.Status), who.Realname.Level
	}
	if who.Act != nil {
		p.Actor = who.Act.Subject
	}
	if who.Org != nil {
		p.Relation = relation(who.Org.Relation)
	}
	if !one.accessEnds.IsZero() {
		p.AccessEnds, p.Overdue = beijing(one.accessEnds), !v.Now().Before(one.accessEnds)
	}
	return p
}

// state tells a script of this browser what the page would tell its reader.
func (v *server) state(w http.ResponseWriter, r *http.Request) {
	type told struct {
		SignedIn     bool     `json:"signed_in"`
		Subject      string   `json:"sub"`
		Org          *unit    `json:"org"`
		Entitlements []string `json:"entitlements"`
		Logouts      int      `json:"backchannel_logouts"`
	}
	one, found := v.sessions.find(v.sessionKey(r))
	t := told{Entitlements: []string{}, Logouts: one.heard}
	if found && one.ended == live {
		t.SignedIn, t.Subject, t.Org = true, one.who.Subject, one.who.Org
		t.Entitlements = append(t.Entitlements, one.who.grants...)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(t)
}

// The words of the platform's manual for the codes in its claims; a code that
// is not known stays as it came.

func accountType(code string) string {
	return word(code, map[string]string{"natural_person": "自然人", "legal_entity": "法人"})
}

func realnameStatus(code string) string {
	return word(code, map[string]string{"verified": "已认证", "unverified": "未认证", "pending": "认证中", "rejected": "认证未通过"})
}

func relation(code string) string {
	return word(code, map[string]string{"self": "本单位账号", "admin": "管理员", "handler": "经办人", "legal_rep": "法定代表人"})
}

func strength(acr string) string {
	return word(acr, map[string]string{"urn:fuwu:aal:1": "口令", "urn:fuwu:aal:2": "口令 + 短信或动态码", "urn:fuwu:aal:3": "证书或通行密钥"})
}

func word(code string, words map[string]string) string {
	if w, ok := words[code]; ok {
		return w + "（" + code + "）"
	}
	return code
}
