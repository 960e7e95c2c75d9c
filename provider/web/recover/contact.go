package recover

import (
	"errors"
	"net/http"

	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/templates"
)

// contactForm is 获取相关联系人信息.
func (h *Handler) contactForm(name, uscc string) form {
	f := form{purpose: challenge.Contact, page: templates.RecoverForm{
		Heading: templates.T("recover.contact.title"), Lead: templates.T("recover.contact.lead"), Submit: templates.T("recover.contact.ask"),
		Ways: []templates.RecoverLink{back("/forgot", "recover.other_way"), back("/login?window=legal_entity", "recover.back_to_login")},
	}}
	f.blank(templates.Blank{Field: "unit_name", Label: templates.T("recover.unit_name"), Value: name, Max: 100, Auto: "organization"})
	f.blank(templates.Blank{Field: "uscc", Label: templates.T("recover.uscc"), Value: uscc, Max: 40})
	return f
}

func (h *Handler) showContactAsk(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, h.contactForm("", ""))
}

// askContact is POST /forgot/contact.
func (h *Handler) askContact(w http.ResponseWriter, r *http.Request) {
	f := h.contactForm(typed(r, "unit_name"), typed(r, "uscc"))
	if again(r) {
		h.show(w, r, f)
		return
	}
	id, err := h.Recovery.AskContact(r.Context(), h.asker(w, r), r.PostForm.Get("uscc"), r.PostForm.Get("unit_name"), solved(r))
	var why *fault.Error
	if errors.As(err, &why) && why.Kind == fault.NotFound {
		f.page.Error = h.says(why)
		h.show(w, r, f)
		return
	}
	if err != nil {
		h.wrong(w, r, f, err)
		return
	}
	see(w, at("/forgot/contact/shown", id))
}

// showContact is GET /forgot/contact/shown.
func (h *Handler) showContact(w http.ResponseWriter, r *http.Request) {
	c, err := h.Recovery.Contact(r.Context(), h.asker(w, r), flowOf(r))
	if err != nil {
		h.end(w, r, err)
		return
	}
	h.Web.Show(w, r, http.StatusOK, templates.RecoverContact{UnitName: c.UnitName, Contact: c.Name, Mobile: c.Mobile, Told: c.Told})
}

// tellContact is POST /forgot/contact/shown.
func (h *Handler) tellContact(w http.ResponseWriter, r *http.Request) {
	if err := h.Recovery.TellContact(r.Context(), h.asker(w, r), flowOf(r)); err != nil {
		h.end(w, r, err)
		return
	}
	see(w, at("/forgot/contact/shown", flowOf(r)))
}
