package lookup

import (
	"net/url"

	"kejitong/provider/torch"
	"kejitong/templates"
)

// card is the answer as a page: what to do stands on its one button.
func card(a torch.Answer) templates.LookupAnswer {
	p := templates.LookupAnswer{
		Code: string(a.Code), Key: a.Key, LoginName: a.LoginName, Masked: a.Masked, Window: string(a.Kind), Kept: a.Kept, Changed: a.Changed,
		Suffixed: a.Suffixed, Existing: a.Existing, Used: a.Used, UsedAt: a.UsedAt,
	}
	if _, err := torch.ParseMobile(a.Key); err == nil {
		p.Person = true
	}
	if p.Test = a.Test; a.StandIn != "" {
		q := url.Values{"window": {string(a.StandInKind)}, "username": {a.StandIn}, "other": {"1"}}
		p.StandIn = templates.RecoverLink{URL: "/login?" + q.Encode(), Label: templates.T("lookup.stand_in", a.StandIn)}
	}
	for i, link := range links(a) {
		if i == 0 {
			p.Do = link
			continue
		}
		p.Ways = append(p.Ways, link)
	}
	return p
}

// links are the ways on, the button first.
func links(a torch.Answer) []templates.RecoverLink {
	link := func(to, label string) templates.RecoverLink {
		return templates.RecoverLink{URL: to, Label: templates.Text{Key: label}}
	}
	q := url.Values{"window": {string(a.Kind)}}
	if a.LoginName != "" && !a.Masked {
		q.Set("username", a.LoginName)
	}
	if a.Test { // whoever tries a sandbox is signed in as somebody real, as a rule
		q.Set("other", "1")
	}
	login, forgot := link("/login?"+q.Encode(), "lookup.to_login"), link("/forgot", "lookup.to_forgot")
	switch a.Code {
	case torch.E0a:
		return []templates.RecoverLink{link("/register/unit", "lookup.register_unit")}
	case torch.E6:
		return []templates.RecoverLink{link("/register/unit", "lookup.register_unit"), link("/appeal/name/unit", "lookup.reclaim")}
	case torch.E3, torch.E5:
		return []templates.RecoverLink{login, forgot, link("/appeal/name/unit", "lookup.reclaim")}
	case torch.E4:
		return []templates.RecoverLink{login, link("/forgot/contact", "lookup.contact"), forgot}
	case torch.I3:
		return []templates.RecoverLink{login, forgot, link("/appeal/name/person", "lookup.reclaim")}
	case torch.I0:
		if a.Existing {
			return []templates.RecoverLink{link("/login?window=natural_person", "lookup.to_login"), link("/forgot/name", "lookup.forgot_name")}
		}
		return []templates.RecoverLink{link("/register/person", "lookup.register_person")}
	case torch.I4, torch.I5:
		return []templates.RecoverLink{link("/appeal/person", "lookup.appeal"), link("/forgot/name", "lookup.forgot_name")}
	case torch.I6:
		return []templates.RecoverLink{login, forgot, link("/appeal/person", "lookup.appeal")}
	}
	return []templates.RecoverLink{login, forgot}
}
