package portal

import (
	"net/http"
	"time"

	"kejitong/provider/account"
	"kejitong/provider/principal"
	"kejitong/provider/realname"
	"kejitong/templates"
)

const changePath = "/me/unit/change"

// showChange is GET /me/unit/change, 变更法人信息: the form of real-name verification
// for a unit that is verified already. Others go where they belong.
func (n *RealName) showChange(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if !changes(v) {
		see(w, withNext(realnamePath, nextOf(r)))
		return
	}
	n.show(w, r, v)
}

func changes(v *principal.Visit) bool {
	a := v.Principal.Account
	return a.Kind == account.LegalEntity && a.RealName.Verified()
}

// sendChange is POST /me/unit/change. What was typed is shown beside what is
// verified now; only with confirm=yes is it sent to be verified anew (R21).
func (n *RealName) sendChange(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if !changes(v) {
		see(w, realnamePath)
		return
	}
	c, err := n.caseOf(r, v)
	if err != nil {
		n.pages.Web.Fail(w, r, err)
		return
	}
	s := sheet{typed: typedIn(r), before: known(v.Principal, c)}
	e, faults := n.read(v.Principal, s)
	if s.faults = faults; len(faults) > 0 {
		n.form(w, r, v, http.StatusUnprocessableEntity, s)
		return
	}
	if r.PostForm.Get("edit") == "yes" {
		n.form(w, r, v, http.StatusOK, s)
		return
	}
	if r.PostForm.Get("confirm") == "yes" {
		n.enter(w, r, v, s, e)
		return
	}
	was := known(v.Principal, realname.Case{})
	if c.State == realname.Verified {
		was = c.Entry
	}
	p := templates.UnitChange{Next: nextOf(r), Typed: map[string]string{}}
	for name, value := range s.typed {
		if name != "form_token" && name != "next" && name != "confirm" && name != "edit" {
			p.Typed[name] = value
		}
	}
	p.Changes, p.Representative = differences(*was.Unit, *e.Unit)
	n.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// differences are the fields that differ, in the order of the form, and whether the
// unit gets another representative by it. Numbers are masked (C29): that they differ
// is what counts.
func differences(was, will realname.Unit) (out []templates.Change, representative bool) {
	add := func(label, group, from, to string) {
		if from != to {
			out = append(out, templates.Change{Label: label, Group: group, Old: from, New: to})
		}
	}
	number := func(label, from, to string) {
		if from != to {
			out = append(out, templates.Change{Label: label, Old: masked(from), New: masked(to)})
		}
	}
	add(realname.FieldUnitName, "", was.Name, will.Name)
	add(realname.FieldUnitType, "realname.type", was.Type, will.Type)
	add(realname.FieldRegion, "realname.area", was.Region, will.Region)
	add(realname.FieldAddress, "", was.Address, will.Address)
	n, lead, label := len(out), will.LegalRep, realname.LegalRepPrefix
	if will.Operator() {
		label = "operator_"
	}
	add(label+realname.FieldName, "", was.LegalRep.Name, lead.Name)
	add(label+realname.FieldIDType, "realname.doc", was.LegalRep.IDType, lead.IDType)
	number(label+realname.FieldIDNumber, was.LegalRep.IDNumber, lead.IDNumber)
	representative = len(out) > n
	add(label+realname.FieldNationality, "", was.LegalRep.Nationality, lead.Nationality)
	h, k := was.Handler, will.Handler
	add(realname.HandlerPrefix+realname.FieldName, "", h.Name, k.Name)
	if h.IDType != "" {
		add(realname.HandlerPrefix+realname.FieldIDType, "realname.doc", h.IDType, k.IDType)
	}
	number(realname.HandlerPrefix+realname.FieldIDNumber, h.IDNumber, k.IDNumber)
	if h.Mobile != k.Mobile {
		out = append(out, templates.Change{Label: realname.FieldMobile, Old: maskMobile(h.Mobile), New: maskMobile(k.Mobile)})
	}
	if !h.Until.IsZero() {
		add(realname.FieldUntil, "", lastDay(h.Until), lastDay(k.Until))
	}
	return out, representative
}

func lastDay(until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return until.Add(-time.Second).In(beijing).Format(time.DateOnly)
}
