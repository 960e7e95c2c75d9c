package portal

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/holder"
	"kejitong/provider/principal"
	"kejitong/templates"
)

// showPrivacy is GET /me/privacy.
func (h *Holder) showPrivacy(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	told, err := h.Privacy.View(r.Context(), v.Principal.Account.ID)
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	p := templates.Privacy{Stored: stored(v.Principal), Kept: h.Kept, Contact: h.Contact}
	for _, d := range told {
		scopes := slices.Clone(d.Told)
		for _, s := range d.Allowed {
			if !slices.Contains(scopes, s) {
				scopes = append(scopes, s)
			}
		}
		p.Told = append(p.Told, templates.Told{ID: d.Client, System: h.system(r, d.Client), Scopes: scopes, Allowed: true, Last: d.Last, Times: d.Times})
	}
	if r.URL.Query().Get("withdrawn") == "yes" {
		p.Done = templates.T("privacy.withdrawn")
	}
	h.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// stored are the items that there are, masked (C29).
func stored(who principal.Principal) []templates.Stored {
	var out []templates.Stored
	add := func(name, value, fix string) {
		if value != "" {
			out = append(out, templates.Stored{Name: name, Value: value, Fix: fix})
		}
	}
	a, p := who.Account, who.Account.Profile
	add("login_name", a.LoginName, "")
	if _, err := account.ParseMobile(a.LoginName); err == nil {
		out[len(out)-1].Value = account.MaskMobile(a.LoginName)
	}
	add("name", maskName(a, p.Name), "/me/realname")
	add("id_number", masked(p.IDNumber), "/me/realname")
	add("mobile", maskMobile(holder.Number(a)), "/me/mobile")
	add("email", maskEmail(p.Email), "/me/email")
	if l := p.LegalRep; l != nil {
		add("legal_rep", account.MaskName(l.Name)+" "+masked(l.IDNumber), "/me/realname")
	}
	if c := p.Contact; c != nil {
		add("contact", account.MaskName(c.Name), "/me/realname")
	}
	add("password", "••••••", "/me/password")
	add("sign_ins", "…", "")
	return out
}

func maskName(a account.Account, name string) string {
	if a.Kind == account.LegalEntity {
		return name
	}
	return account.MaskName(name)
}

func masked(number string) string {
	if number == "" {
		return ""
	}
	return account.MaskID(number)
}

// withdraw is POST /me/privacy: the export asks for a fresh sign-in first, a
// consent is withdrawn at once.
func (h *Holder) withdraw(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if ticked(r, "export") {
		see(w, "/me/privacy/export")
		return
	}
	if id := r.PostForm.Get("withdraw"); id != "" {
		if err := h.Privacy.Withdraw(r.Context(), v.Principal.Account.ID, id); err != nil {
			h.pages.Web.Fail(w, r, err)
			return
		}
	}
	see(w, "/me/privacy?withdrawn=yes")
}

// showExport is GET /me/privacy/export: what will be in the file.
func (h *Holder) showExport(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	h.pages.Web.Show(w, r, http.StatusOK, templates.Export{}, as(v))
}

// exported is the file: everything of the holder's, in the clear.
type exported struct {
	At          time.Time         `json:"exported_at"`
	Account     exportedAccount   `json:"account"`
	Profile     map[string]any    `json:"profile"`
	RealName    account.RealName  `json:"real_name"`
	Unit        *exportedUnit     `json:"unit,omitempty"`
	Mandates    []exportedMandate `json:"mandates"`
	Grants      []exportedGrant   `json:"entitlements"`
	Disclosures []exportedTold    `json:"told_to"`
	SignIns     []holder.SignIn   `json:"sign_ins"`
}

type exportedAccount struct {
	Kind      account.Kind `json:"kind"`
	LoginName string       `json:"login_name"`
	Locale    string       `json:"locale,omitempty"`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

type exportedUnit struct {
	Name string       `json:"name"`
	USCC account.USCC `json:"uscc"`
	Type string       `json:"type"`
}

type exportedMandate struct {
	Unit     string `json:"unit"`
	Relation string `json:"relation"`
	State    string `json:"state"`
}

type exportedGrant struct {
	System  string   `json:"system"`
	Actions []string `json:"actions"`
	State   string   `json:"state"`
}

type exportedTold struct {
	System  string    `json:"system"`
	Scopes  []string  `json:"scopes"`
	Allowed []string  `json:"allowed"`
	Times   int       `json:"times"`
	Last    time.Time `json:"last,omitzero"`
}

// export is POST /me/privacy/export.
func (h *Holder) export(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	rec, err := h.Privacy.Export(r.Context(), v.Principal.Account.ID)
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	body, err := json.MarshalIndent(h.file(r, v.Principal, rec), "", "  ")
	if err != nil {
		h.pages.Web.Fail(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "application/json; charset=utf-8")
	head.Set("Content-Disposition", `attachment; filename="my-data.json"`)
	head.Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // a reader that goes away is nobody's error
}

func (h *Holder) file(r *http.Request, who principal.Principal, rec holder.Record) exported {
	a := rec.Account
	out := exported{
		At: h.Service.Now().UTC(), RealName: a.RealName, Profile: plainProfile(a.Profile), SignIns: rec.SignIns,
		Account:  exportedAccount{a.Kind, a.LoginName, a.Locale, a.CreatedAt, a.UpdatedAt},
		Mandates: []exportedMandate{}, Grants: []exportedGrant{}, Disclosures: []exportedTold{},
	}
	if u := who.Unit; u != nil {
		out.Unit = &exportedUnit{u.Name, u.USCC, u.Type}
	}
	for _, m := range who.Mandates {
		out.Mandates = append(out.Mandates, exportedMandate{m.Unit.Name, string(m.Relation), string(m.State)})
	}
	for _, g := range who.Grants {
		out.Grants = append(out.Grants, exportedGrant{string(g.System), g.Actions, string(g.State)})
	}
	for _, d := range rec.Disclosures {
		out.Disclosures = append(out.Disclosures, exportedTold{h.system(r, d.Client).Name, d.Told, d.Allowed, d.Times, d.Last})
	}
	return out
}

// plainProfile names the members in full: the stored ones are short.
func plainProfile(p account.Profile) map[string]any {
	out := map[string]any{}
	for name, value := range map[string]string{
		"name": p.Name, "nationality": p.Nationality, "id_type": p.IDType, "id_number": p.IDNumber, "mobile": p.Phone, "email": p.Email,
		"given_name": p.GivenName, "family_name": p.FamilyName, "middle_name": p.MiddleName, "nickname": p.Nickname,
		"preferred_username": p.PreferredUsername, "profile_url": p.ProfileURL, "picture": p.Picture, "website": p.Website, "gender": p.Gender,
		"birthdate": p.Birthdate, "zoneinfo": p.Zoneinfo, "locale": p.Locale,
	} {
		if value != "" {
			out[name] = value
		}
	}
	if a := p.Address; a != nil {
		out["address"] = map[string]string{"formatted": a.Formatted, "street_address": a.StreetAddress, "locality": a.Locality, "region": a.Region,
			"postal_code": a.PostalCode, "country": a.Country}
	}
	for name, q := range map[string]*account.Person{"legal_representative": p.LegalRep, "contact": p.Contact} {
		if q != nil {
			out[name] = map[string]string{"name": q.Name, "id_type": q.IDType, "id_number": q.IDNumber, "mobile": q.Phone}
		}
	}
	return out
}
