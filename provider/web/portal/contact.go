package portal

import (
	"net/http"

	"kejitong/provider/account"
	"kejitong/provider/challenge"
	"kejitong/provider/fault"
	"kejitong/provider/holder"
	"kejitong/provider/principal"
	"kejitong/provider/web/visitor"
	"kejitong/templates"
)

// contact is the pages of one kind of change.
type contact struct {
	*Holder
	kind holder.Kind
	path string
}

func (c *contact) purpose() challenge.Purpose {
	if c.kind == holder.Email {
		return challenge.ChangeEmail
	}
	return challenge.ChangeMobile
}

func (c *contact) mask(value string) string {
	if c.kind == holder.Email {
		return maskEmail(value)
	}
	return maskMobile(value)
}

func (c *contact) current(v *principal.Visit) string {
	if c.kind == holder.Email {
		return holder.Address(v.Principal.Account)
	}
	return holder.Number(v.Principal.Account)
}

func (c *contact) page(v *principal.Visit, step string) templates.Contact {
	return templates.Contact{Kind: string(c.kind), Step: step, Now: c.mask(c.current(v))}
}

// show is GET /me/mobile and /me/email.
func (c *contact) show(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	f, err := c.Service.Waiting(r.Context(), v.Principal.Account.ID, c.kind)
	if err == nil && f.State == holder.Held {
		see(w, c.path+"/code")
		return
	}
	if err != nil && !fault.Is(err, fault.Gone) {
		c.pages.Web.Fail(w, r, err)
		return
	}
	p := c.page(v, "ask")
	if c.kind == holder.Mobile {
		if p.Doubted, err = c.Service.Store.NumberDoubted(r.Context(), v.Principal.Account.ID); err != nil {
			c.pages.Web.Fail(w, r, err)
			return
		}
	}
	c.showAsk(w, r, v, p)
}

func (c *contact) showAsk(w http.ResponseWriter, r *http.Request, v *principal.Visit, p templates.Contact) {
	why := p.Captcha.Error
	var ok bool
	if p.Captcha, ok = c.captcha(w, r, c.purpose()); !ok {
		return
	}
	p.Captcha.Error = why
	p.CanRemove = c.kind == holder.Email && p.Now != ""
	c.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// ask is POST /me/mobile and /me/email.
func (c *contact) ask(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	p := c.page(v, "ask")
	p.Value, p.Gone = r.PostForm.Get("value"), ticked(r, "gone")
	if ticked(r, "remove") && c.kind == holder.Email {
		c.remove(w, r, v, p)
		return
	}
	if again(r) {
		c.showAsk(w, r, v, p)
		return
	}
	_, err := c.Service.Change(r.Context(), c.asker(w, r, v), c.kind, p.Value, p.Gone)
	if err == nil {
		see(w, c.path+"/code")
		return
	}
	field, text, shown := wrong(err)
	switch {
	case !shown:
		c.pages.Web.Fail(w, r, err)
		return
	case field == "captcha":
		p.Captcha.Error = text
	case field == "mobile" || field == "email":
		p.ValueError = text
	default:
		p.Error = text
	}
	c.showAsk(w, r, v, p)
}

func (c *contact) remove(w http.ResponseWriter, r *http.Request, v *principal.Visit, p templates.Contact) {
	err := c.Service.RemoveEmail(r.Context(), v.Principal.Account.ID)
	if err == nil {
		see(w, c.path+"/done")
		return
	}
	_, text, shown := wrong(err)
	if !shown {
		c.pages.Web.Fail(w, r, err)
		return
	}
	p.Error = text
	c.showAsk(w, r, v, p)
}

// waiting gives the errand, or leads to the beginning.
func (c *contact) waiting(w http.ResponseWriter, r *http.Request, v *principal.Visit) (holder.Errand, bool) {
	f, err := c.Service.Waiting(r.Context(), v.Principal.Account.ID, c.kind)
	switch {
	case err == nil:
		return f, true
	case fault.Is(err, fault.Gone):
		see(w, c.path)
	default:
		c.pages.Web.Fail(w, r, err)
	}
	return f, false
}

func (c *contact) codePage(v *principal.Visit, f holder.Errand) templates.Contact {
	p := c.page(v, "code")
	p.To, p.DueAt, p.AskNew, p.Rename = c.mask(f.To), f.DueAt, !f.Proved, f.Rename
	p.AskOld, p.Gone = !f.OldProved && !f.OldGone, f.OldGone && !f.OldProved && c.kind == holder.Mobile
	if f.State == holder.Held {
		p.Step = "held"
	}
	a := v.Principal.Account
	if c.kind == holder.Mobile && holder.LoginIsNumber(a, c.current(v)) && f.To != c.current(v) {
		p.LoginName = visitor.LoginName(a)
	}
	return p
}

// showCode is GET /me/mobile/code and /me/email/code.
func (c *contact) showCode(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if f, ok := c.waiting(w, r, v); ok {
		p := c.codePage(v, f)
		p.Rename = p.LoginName != ""
		c.pages.Web.Show(w, r, http.StatusOK, p, as(v))
	}
}

// confirm is POST /me/mobile/code and /me/email/code.
func (c *contact) confirm(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if ticked(r, "cancel") {
		if err := c.Service.Stop(r.Context(), v.Principal.Account.ID, c.kind); err != nil {
			c.pages.Web.Fail(w, r, err)
			return
		}
		see(w, c.path)
		return
	}
	f, err := c.Service.Confirm(r.Context(), c.asker(w, r, v), c.kind, r.PostForm.Get("code"), r.PostForm.Get("old_code"), ticked(r, "rename"))
	switch {
	case err == nil && f.State == holder.Held:
		see(w, c.path+"/code")
		return
	case err == nil:
		see(w, c.path+"/done")
		return
	case fault.Is(err, fault.Gone):
		see(w, c.path)
		return
	}
	field, text, shown := wrong(err)
	if !shown {
		c.pages.Web.Fail(w, r, err)
		return
	}
	p := c.codePage(v, f)
	p.Rename = ticked(r, "rename")
	switch field {
	case "code":
		p.CodeError = text
	case "old_code":
		p.OldError = text
	case "login_name", "login_key":
		p.RenameError = templates.T("contact.login_taken")
	default:
		p.Error = text
	}
	c.pages.Web.Show(w, r, http.StatusOK, p, as(v))
}

// showDone is GET /me/mobile/done and /me/email/done.
func (c *contact) showDone(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	c.pages.Web.Show(w, r, http.StatusOK, c.page(v, "done"), as(v))
}

// number is how the closing page names where its code goes.
func number(a account.Account) string {
	if n := holder.Number(a); n != "" {
		return account.MaskMobile(n)
	}
	if e := holder.Address(a); e != "" {
		return account.MaskEmail(e)
	}
	return ""
}
