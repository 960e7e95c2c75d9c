package console

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"kejitong/provider/client"
	"kejitong/provider/fault"
	"kejitong/provider/integrator"
	"kejitong/provider/principal"
	"kejitong/templates"
)

// shape is how a member of the metadata stands in a form.
type shape int

const (
	text   shape = iota // one line
	list                // one a line
	yes                 // a check box
	number              // seconds
	object              // JSON
)

// member is a member of the metadata that integrators edit.
type member struct {
	name    string
	group   string
	shape   shape
	options []string
}

var (
	signing  = []string{"", "RS256", "PS256", "ES256", "EdDSA"}
	editable = []member{ // in the order of the page, those of a group together
		{"redirect_uris", "addresses", list, nil}, {"post_logout_redirect_uris", "addresses", list, nil}, {"initiate_login_uri", "addresses", text, nil},
		{"scope", "addresses", text, nil},
		{"client_name", "show", text, nil}, {"purpose", "show", text, nil}, {"logo_uri", "show", text, nil}, {"client_uri", "show", text, nil},
		{"policy_uri", "show", text, nil}, {"tos_uri", "show", text, nil}, {"contacts", "show", list, nil},
		{"token_endpoint_auth_method", "keys", text, []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"}},
		{"token_endpoint_auth_signing_alg", "keys", text, append([]string{"", "HS256"}, signing[1:]...)}, {"jwks", "keys", object, nil}, {"jwks_uri", "keys", text, nil},
		{"dpop_bound_access_tokens", "keys", yes, nil},
		{"id_token_signed_response_alg", "tokens", text, signing[1:]}, {"userinfo_signed_response_alg", "tokens", text, signing},
		{"id_token_encrypted_response_alg", "tokens", text, append([]string{""}, client.KeyEncryptions()...)},
		{"id_token_encrypted_response_enc", "tokens", text, append([]string{""}, client.ContentEncryptions()...)},
		{"userinfo_encrypted_response_alg", "tokens", text, append([]string{""}, client.KeyEncryptions()...)},
		{"userinfo_encrypted_response_enc", "tokens", text, append([]string{""}, client.ContentEncryptions()...)},
		{"subject_type", "tokens", text, []string{"pairwise", "public"}}, {"sector_identifier_uri", "tokens", text, nil},
		{"claims_profile", "tokens", text, []string{string(client.Standard), string(client.Kejitong)}},
		{"backchannel_logout_uri", "logout", text, nil}, {"backchannel_logout_session_required", "logout", yes, nil},
		{"frontchannel_logout_uri", "logout", text, nil}, {"frontchannel_logout_session_required", "logout", yes, nil},
		{"request_uris", "requests", list, nil}, {"require_pushed_authorization_requests", "requests", yes, nil},
		{"default_max_age", "requests", number, nil}, {"require_auth_time", "requests", yes, nil},
		{"required_realname_level", "users", text, []string{"", "L0", "L1", "L2", "L3", "L4"}}, {"required_account_types", "users", list, nil},
		{"required_acr", "users", text, []string{"", "urn:fuwu:aal:1", "urn:fuwu:aal:2", "urn:fuwu:aal:3"}}, {"accept_migrated_grants", "users", yes, nil},
	}
)

// grouped parts the fields of editable into the groups of the page.
func grouped(form []templates.ConsoleField) []templates.ConsoleGroup {
	var out []templates.ConsoleGroup
	for i, f := range form {
		if i == 0 || editable[i].group != editable[i-1].group {
			out = append(out, templates.ConsoleGroup{Name: editable[i].group, Open: i == 0})
		}
		g := &out[len(out)-1]
		g.Fields, g.Open = append(g.Fields, f), g.Open || f.Why.Says()
	}
	return out
}

// fields are the form of m.
func fields(m client.Metadata) ([]templates.ConsoleField, error) {
	all, err := m.Members()
	if err != nil {
		return nil, err
	}
	var out []templates.ConsoleField
	for _, e := range editable {
		f, raw := templates.ConsoleField{Name: e.name, Options: e.options}, all[e.name]
		var one string
		var many []string
		switch {
		case e.shape == yes:
			f.Type = "check"
			if string(raw) == "true" {
				f.Value = "yes"
			}
		case e.shape == list:
			f.Type = "textarea"
			if len(raw) > 0 && json.Unmarshal(raw, &many) == nil {
				f.Value = strings.Join(many, "\n")
			}
		case e.shape == object:
			f.Type, f.Max, f.Value = "textarea", 16<<10, string(raw)
		case e.shape == number:
			f.Value = string(raw)
		default:
			if len(e.options) > 0 {
				f.Type = "select"
			}
			if len(raw) > 0 && json.Unmarshal(raw, &one) == nil {
				f.Value = one
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// asked lays what was posted over m: members that have no field stay as they are.
func asked(m client.Metadata, r *http.Request) (client.Metadata, []templates.ConsoleField, error) {
	all, err := m.Members()
	if err != nil {
		return m, nil, err
	}
	form, err := fields(m)
	if err != nil {
		return m, nil, err
	}
	wrong := error(nil)
	for i, e := range editable {
		value := strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get(e.name), "\r\n", "\n"))
		form[i].Value = value
		delete(all, e.name)
		if value == "" {
			continue
		}
		var v any = value
		switch e.shape {
		case yes:
			v = value == "yes"
		case list:
			v = perLine(value)
		case number:
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				wrong = &fault.Error{Kind: fault.Invalid, Field: e.name, Msg: integrator.MsgNumber}
			}
			v = n
		case object:
			if !json.Valid([]byte(value)) {
				wrong = &fault.Error{Kind: fault.Invalid, Field: e.name, Msg: integrator.MsgJSON}
				continue
			}
			v = json.RawMessage(value)
		}
		if all[e.name], err = json.Marshal(v); err != nil {
			return m, form, err
		}
	}
	if wrong != nil {
		return m, form, wrong
	}
	out, err := client.FromMembers(all)
	if err != nil {
		return m, form, &fault.Error{Kind: fault.Invalid, Msg: integrator.MsgJSON}
	}
	return out, form, nil
}

// showClient is GET /console/clients/{client}.
func (h *Handler) showClient(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	h.clientPage(w, r, v, nil, nil)
}

// clientPage shows a client; form is what was typed, if something was.
func (h *Handler) clientPage(w http.ResponseWriter, r *http.Request, v *principal.Visit, form []templates.ConsoleField, wrong error) {
	m, c, err := h.Service.ByClient(r.Context(), id(v), mux.Vars(r)["client"])
	if err == nil && form == nil {
		form, err = fields(c.Metadata)
	}
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	proposals, err := h.Service.Store.ClientProposals(r.Context(), m.ID, 10)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	p := templates.ConsoleClient{
		ClientPage: about(c), Project: m.ID, System: m.Form.Name, Issuer: h.Issuer, Sandbox: c.Sandbox != "", Version: c.Version, HasSecret: c.Metadata.HasSecret(),
		Secret: c.SecretDigest != "", Edits: m.Role.AtLeast(integrator.Developer),
	}
	if h.Now().Before(c.FormerUntil) {
		p.Former = c.FormerUntil
	}
	for _, pr := range proposals {
		if pr.Client == c.ID {
			p.Proposals = append(p.Proposals, templates.ConsoleProposal{ID: pr.ID, State: string(pr.State), Reason: pr.Reason, At: pr.At, Edits: edits(pr.Edits)})
		}
	}
	code := http.StatusOK
	switch done := r.URL.Query().Get("done"); {
	case wrong != nil:
		said, ok := blame(wrong, form)
		if !ok {
			h.Web.Fail(w, r, wrong)
			return
		}
		p.Error, code = said, status(wrong)
		if r.PostForm.Get("version") != "" {
			p.Version = version(r) // what was typed stands beside what was seen
		}
	case done == "changed":
		p.Done = templates.T("console.done.changed")
	case done == "waits":
		p.Done = templates.T("console.done.waits")
	case done == "ended":
		p.Done = templates.T("console.done.ended")
	}
	p.Groups = grouped(form)
	h.Web.Show(w, r, code, p, named(v))
}

// changeClient is POST /console/clients/{client}.
func (h *Handler) changeClient(w http.ResponseWriter, r *http.Request, v *principal.Visit) {
	clientID := mux.Vars(r)["client"]
	_, c, err := h.Service.ByClient(r.Context(), id(v), clientID)
	if err != nil {
		h.Web.Fail(w, r, err)
		return
	}
	want, form, err := asked(c.Metadata, r)
	var out integrator.Outcome
	if err == nil {
		out, err = h.Service.Change(r.Context(), id(v), clientID, version(r), want)
	}
	switch {
	case err != nil:
		h.clientPage(w, r, v, form, err)
	case len(out.Waits) > 0:
		onto(w, "/console/clients/"+clientID+"?done=waits")
	default:
		onto(w, "/console/clients/"+clientID+"?done=changed")
	}
}
