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
	shape   shape
	options []string
}

var (
	signing  = []string{"", "RS256", "PS256", "ES256", "EdDSA"}
	editable = []member{ // in the order of the page
		{"client_name", text, nil}, {"purpose", text, nil}, {"logo_uri", text, nil}, {"client_uri", text, nil}, {"policy_uri", text, nil},
		{"tos_uri", text, nil}, {"contacts", list, nil}, {"redirect_uris", list, nil}, {"post_logout_redirect_uris", list, nil}, {"scope", text, nil},
		{"token_endpoint_auth_method", text, []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"}},
		{"token_endpoint_auth_signing_alg", text, append([]string{"", "HS256"}, signing[1:]...)}, {"jwks", object, nil}, {"jwks_uri", text, nil},
		{"id_token_signed_response_alg", text, signing[1:]}, {"userinfo_signed_response_alg", text, signing},
		{"id_token_encrypted_response_alg", text, append([]string{""}, client.KeyEncryptions()...)},
		{"id_token_encrypted_response_enc", text, append([]string{""}, client.ContentEncryptions()...)},
		{"userinfo_encrypted_response_alg", text, append([]string{""}, client.KeyEncryptions()...)},
		{"userinfo_encrypted_response_enc", text, append([]string{""}, client.ContentEncryptions()...)},
		{"subject_type", text, []string{"pairwise", "public"}}, {"sector_identifier_uri", text, nil}, {"initiate_login_uri", text, nil},
		{"backchannel_logout_uri", text, nil}, {"backchannel_logout_session_required", yes, nil}, {"frontchannel_logout_uri", text, nil},
		{"frontchannel_logout_session_required", yes, nil}, {"request_uris", list, nil}, {"require_pushed_authorization_requests", yes, nil},
		{"dpop_bound_access_tokens", yes, nil}, {"default_max_age", number, nil}, {"require_auth_time", yes, nil},
		{"claims_profile", text, []string{string(client.Standard), string(client.Kejitong)}},
		{"required_realname_level", text, []string{"", "L0", "L1", "L2", "L3", "L4"}}, {"required_account_types", list, nil},
		{"required_acr", text, []string{"", "urn:fuwu:aal:1", "urn:fuwu:aal:2", "urn:fuwu:aal:3"}}, {"accept_migrated_grants", yes, nil},
	}
)

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
		ID: c.ID, Project: m.ID, System: m.Form.Name, Issuer: h.Issuer, Sandbox: c.Sandbox != "", Version: c.Version, HasSecret: c.Metadata.HasSecret(),
		Secret: c.SecretDigest != "", Fields: form, Edits: m.Role.AtLeast(integrator.Developer),
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
		said, ok := blame(wrong, p.Fields)
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
