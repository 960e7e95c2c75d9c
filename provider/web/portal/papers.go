package portal

import (
	"errors"
	"mime"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/document"
	"kejitong/provider/fault"
	"kejitong/provider/principal"
	"kejitong/provider/realname"
	"kejitong/provider/web"
	"kejitong/templates"
)

const documentsPath = "/me/documents/"

// Evidence is 上传自然人信息 and 上传法人信息: the documents of the case that is open,
// and handing them in for review (R20).
type Evidence struct {
	Cases     *realname.Service
	Documents *document.Service

	pages Pages
}

// Mount adds the pages.
func (e *Evidence) Mount(p Pages) {
	e.pages = p
	p.In(papersPath, e.show, nil)
	kinds := len(document.Kinds()) + 4 // of the last kind there may be several
	p.Router.Handle(papersPath, p.Web.GuardUpload(web.UploadLimits{Files: kinds, Body: 48 << 20}, p.Visitors.In(e.send))).Methods(http.MethodPost)
	p.In(documentsPath+"{id}", e.download, e.remove)
}

// Links gives none: the way here is that of real-name verification.
func (e *Evidence) Links(*principal.Visit) []templates.Link { return nil }

// filing is a case that documents can be handed in for, with what that takes.
type filing struct {
	c     realname.Case
	needs []document.Need
	have  []document.Document
}

// filing gives the visitor's; where there is none, it has answered.
func (e *Evidence) filing(w http.ResponseWriter, r *http.Request, v *principal.Visit) (f filing, ok bool) {
	var err error
	f.c, err = e.Cases.Of(r.Context(), v.Principal.Account.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		e.pages.Web.Fail(w, r, err)
		return f, false
	}
	if _, may := realname.Next(f.c.State, realname.HandIn); !may {
		see(w, withNext(statusPath, nextOf(r)))
		return f, false
	}
	f.needs = needsOf(f.c)
	if f.have, err = e.Documents.List(r.Context(), f.c.Folder); err != nil {
		e.pages.Web.Fail(w, r, err)
		return f, false
	}
	return f, true
}

func needsOf(c realname.Case) []document.Need {
	if u := c.Entry.Unit; u != nil {
		h, l := u.Handler, u.LegalRep
		return document.Needed(account.LegalEntity, h.IDType, h.IDType == l.IDType && h.IDNumber == l.IDNumber)
	}
	if p := c.Entry.Person; p != nil {
		return document.Needed(account.NaturalPerson, p.IDType, false)
	}
	return document.Needed(c.Kind, "", false)
}

// show is GET /me/realname/papers.
func (e *Evidence) show(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	if f, ok := e.filing(w, r, v); ok {
		e.page(w, r, v, http.StatusOK, f, templates.Papers{}, nil)
	}
}

// page draws the form around what is already there.
func (e *Evidence) page(w http.ResponseWriter, r *http.Request, v *principal.Visit, status int, f filing, p templates.Papers, wrong map[document.Kind]templates.Text) {
	p.AccountType, p.Number, p.HandedIn, p.Agreed = string(f.c.Kind), f.c.Number, !f.c.PapersAt.IsZero(), len(f.have) > 0
	p.Next = nextOf(r)
	p.BackURL = withNext(statusPath, p.Next)
	for _, n := range f.needs {
		field := templates.FileField{Name: string(n.Kind), Required: n.Required, Many: n.Kind == document.Other, Fixed: p.HandedIn, Error: wrong[n.Kind]}
		for _, d := range f.have {
			if d.Kind == n.Kind {
				field.Files = append(field.Files, templates.StoredFile{ID: d.ID, URL: documentsPath + d.ID, Pages: d.Pages, At: d.CreatedAt, Scan: string(d.Scan)})
			}
		}
		p.Fields = append(p.Fields, field)
	}
	e.pages.Web.Show(w, r, status, p, as(v))
}

// send is POST /me/realname/papers: it keeps what can be kept, and then, if that is
// wanted and all is there, puts the case before a reviewer.
func (e *Evidence) send(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	f, ok := e.filing(w, r, v)
	if !ok {
		return
	}
	wrong, status, err := e.take(r, v, f)
	if err != nil {
		e.pages.Web.FailUpload(w, r, err)
		return
	}
	if f.have, err = e.Documents.List(r.Context(), f.c.Folder); err != nil {
		e.pages.Web.Fail(w, r, err)
		return
	}
	var p templates.Papers
	switch {
	case status == statusDisagreed:
		p.AgreeError, status = templates.T("papers.agree_missing"), http.StatusUnprocessableEntity
	case len(wrong) > 0:
		p.Error = templates.T("papers.some_refused")
	case r.PostForm.Get("act") != "submit":
		see(w, withNext(papersPath, nextOf(r)))
		return
	default:
		for _, k := range document.Missing(f.needs, f.have) {
			wrong[k] = templates.Text{Key: document.MsgMissing}
		}
		if len(wrong) == 0 {
			e.handIn(w, r, v)
			return
		}
		p.Error, status = templates.T("papers.incomplete"), http.StatusUnprocessableEntity
	}
	e.page(w, r, v, status, f, p, wrong)
}

// statusDisagreed stands for files without the consent that they need (C23).
const statusDisagreed = -1

// take keeps the files of the form. wrong says what could not be kept and why, and
// status what to answer with then; err is for what concerns the form as a whole.
func (e *Evidence) take(r *http.Request, v *principal.Visit, f filing) (wrong map[document.Kind]templates.Text, status int, err error) {
	ctx, who := r.Context(), string(v.Principal.Account.ID)
	agreed := r.PostForm.Get("agree") == "yes" || len(f.have) > 0
	wrong = map[document.Kind]templates.Text{}
	for u, err := range web.Uploads(r) {
		if err != nil {
			return nil, 0, err
		}
		if !agreed {
			return wrong, statusDisagreed, nil
		}
		kind := document.Kind(u.Field)
		_, err = e.Documents.Add(ctx, document.Upload{Owner: who, Case: f.c.Folder, Kind: kind, Name: u.Name, Body: u.Body},
			audit.From(ctx, audit.Event{Actor: who}))
		var why *fault.Error
		switch {
		case err == nil:
		case errors.As(err, &why) && why.Field == "file" && why.Msg != "" && kind.Known():
			wrong[kind], status = templates.Text{Key: why.Msg}, uploadStatus(why)
		default:
			return nil, 0, err
		}
	}
	return wrong, status, nil
}

func uploadStatus(why *fault.Error) int {
	switch {
	case why.Msg == document.MsgTooLarge:
		return http.StatusRequestEntityTooLarge
	case why.Msg == document.MsgFull:
		return http.StatusInsufficientStorage
	case why.Kind == fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return statusFor(why.Kind)
}

func (e *Evidence) handIn(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx, id := r.Context(), v.Principal.Account.ID
	if _, err := e.Cases.HandIn(ctx, id, audit.From(ctx, audit.Event{Actor: string(id)})); err != nil {
		e.pages.Web.Fail(w, r, err)
		return
	}
	see(w, withNext(statusPath, nextOf(r)))
}

// remove is POST /me/documents/{id}.
func (e *Evidence) remove(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx, who := r.Context(), string(v.Principal.Account.ID)
	// What a reviewer may be looking at can be replaced, not taken away.
	if c, err := e.Cases.Of(ctx, v.Principal.Account.ID); err != nil || !c.PapersAt.IsZero() {
		if err == nil || fault.Is(err, fault.NotFound) {
			err = fault.New(fault.Conflict, "under review")
		}
		e.pages.Web.Fail(w, r, err)
		return
	}
	if err := e.Documents.Erase(ctx, mux.Vars(r)["id"], "", who, audit.From(ctx, audit.Event{Actor: who})); err != nil {
		e.pages.Web.Fail(w, r, err)
		return
	}
	see(w, papersPath)
}

// previewEdge is the longest edge of the small pictures of the form.
const previewEdge = 640

// download is GET /me/documents/{id}: one page of a document of one's own, with a
// watermark. Of what is somebody else's, or decided, it says what it says of
// nothing (S75).
func (e *Evidence) download(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	ctx, who := r.Context(), string(v.Principal.Account.ID)
	q := r.URL.Query()
	a := document.Access{ID: mux.Vars(r)["id"], Owner: who, Viewer: who, Purpose: "own"}
	if q.Get("page") != "" {
		var err error
		if a.Page, err = strconv.Atoi(q.Get("page")); err != nil {
			a.Page = -1
		}
	}
	if q.Get("small") != "" {
		a.Edge = previewEdge
	}
	if c, err := e.Cases.Of(ctx, v.Principal.Account.ID); err == nil {
		a.Shown = c.Number
	}
	p, err := e.Documents.View(ctx, a, audit.From(ctx, audit.Event{Actor: who}))
	if err != nil {
		e.pages.Web.Fail(w, r, err)
		return
	}
	servePicture(w, p)
}

// servePicture sends a picture as something to keep and not to run, with the name
// that it was handed in under.
func servePicture(w http.ResponseWriter, p document.Picture) {
	name := p.Name
	if name == "" {
		name = string(p.Kind)
	}
	h := w.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("Content-Length", strconv.Itoa(len(p.JPEG)))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + ".jpg"})) // RFC 6266, RFC 8187
	_, _ = w.Write(p.JPEG)                                                                                         // a reader that goes away is nobody's error
}
