package integrator

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"sort"
	"strings"

	"kejitong/provider/account"
	"kejitong/provider/audit"
	"kejitong/provider/client"
	"kejitong/provider/fault"
)

// fixed are members that the project decides, or nobody who connects a system:
// a change of them is dropped, whatever was asked.
var fixed = []string{
	"legal_name", "business_systems", "first_party", "allow_unverified", "pkce_optional", "full_id_token", "substitute_email", "audience", "resource_identifiers",
	"access_token_format", "access_token_signed_response_alg", "grant_types", "response_types", "response_modes", "software_id",
}

// harmless are members that take effect at once: nobody sees them, no token goes
// elsewhere by them, and keys stay what they were (S68).
var harmless = []string{
	"contacts", "software_version", "default_max_age", "require_auth_time", "default_acr_values", "require_pushed_authorization_requests",
	"backchannel_logout_session_required", "frontchannel_logout_session_required",
}

// addressed are members that are harmless as long as every address stays on a host
// that somebody has agreed to.
var addressed = []string{
	"redirect_uris", "post_logout_redirect_uris", "initiate_login_uri", "backchannel_logout_uri", "frontchannel_logout_uri",
}

// policy is what clients of integrators are held to: the rules of RFC 7591 with
// these bounds. Members of ours that they may set come by m.
func policy(sandbox bool, m client.Metadata) client.Policy {
	return client.Policy{
		Scopes: client.SignInScopes(), PublicClients: true, Reviewed: true, PrivateHosts: !sandbox, LoopbackRedirects: sandbox,
		Fixed: &client.Metadata{
			LegalName: m.LegalName, Purpose: m.Purpose, BusinessSystems: m.BusinessSystems, ClaimsProfile: profileOf(m),
			RequiredLevel: m.RequiredLevel, RequiredAccountTypes: m.RequiredAccountTypes, RequiredACR: m.RequiredACR, AcceptMigrated: m.AcceptMigrated,
			AuthorizationDetailsTypes: m.AuthorizationDetailsTypes, // ones that an operator gave stay
			FirstParty:                m.FirstParty, AllowUnverified: m.AllowUnverified, FullIDToken: m.FullIDToken, Audience: m.Audience,
			SubstituteEmail:     m.SubstituteEmail,
			ResourceIdentifiers: m.ResourceIdentifiers, AccessTokenFormat: m.AccessTokenFormat, AccessTokenAlg: m.AccessTokenAlg,
		},
	}
}

func profileOf(m client.Metadata) client.Profile {
	if m.ClaimsProfile == "" && len(m.BusinessSystems) > 0 {
		return client.Kejitong
	}
	return m.ClaimsProfile
}

// difference lists the members that differ, by name.
func difference(before, after client.Metadata) ([]Edit, error) {
	a, err := before.Members()
	if err != nil {
		return nil, err
	}
	b, err := after.Members()
	if err != nil {
		return nil, err
	}
	var out []Edit
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			out = append(out, Edit{name, a[name], b[name]})
		}
	}
	for name := range b {
		if _, both := a[name]; !both {
			out = append(out, Edit{name, nil, b[name]})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Member < out[j].Member })
	return out, nil
}

// patched applies edits to metadata that still are as they were.
func patched(m client.Metadata, edits []Edit) (client.Metadata, error) {
	all, err := m.Members()
	if err != nil {
		return m, err
	}
	for _, e := range edits {
		if !bytes.Equal(all[e.Member], e.Before) {
			return m, &fault.Error{Kind: fault.Conflict, Field: e.Member, Msg: MsgStale}
		}
	}
	return overlaid(m, edits)
}

// overlaid applies edits to metadata, whatever these are now.
func overlaid(m client.Metadata, edits []Edit) (client.Metadata, error) {
	all, err := m.Members()
	if err != nil {
		return m, err
	}
	for _, e := range edits {
		delete(all, e.Member)
		if len(e.After) > 0 {
			all[e.Member] = e.After
		}
	}
	return client.FromMembers(all)
}

func names(edits []Edit) string {
	var out []string
	for _, e := range edits {
		out = append(out, e.Member)
	}
	return strings.Join(out, " ")
}

// Sensitive tells whether an operator has to agree to the edit of a client in
// earnest that has the metadata before.
func Sensitive(before client.Metadata, e Edit) bool {
	switch {
	case slices.Contains(harmless, e.Member):
		return false
	case e.Member == "scope":
		return !within(words(e.After), words(e.Before))
	case slices.Contains(addressed, e.Member):
		var known []string
		for _, uri := range append(slices.Clone(before.RedirectURIs), before.PostLogoutRedirectURIs...) {
			known = append(known, origin(uri))
		}
		asked := texts(e.After)
		if asked == nil && len(e.After) > 0 {
			return true
		}
		for _, uri := range asked {
			if o := origin(uri); o == "" || !slices.Contains(known, o) {
				return true
			}
		}
		return false
	}
	return true
}

// texts are a text or a list of them; none if it is anything else.
func texts(raw json.RawMessage) []string {
	var one string
	var many []string
	switch {
	case json.Unmarshal(raw, &many) == nil:
		return many
	case json.Unmarshal(raw, &one) == nil:
		return []string{one}
	}
	return nil
}

func words(raw json.RawMessage) []string { return strings.Fields(strings.Join(texts(raw), " ")) }

func within(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(s string) bool { return !slices.Contains(whole, s) })
}

// origin is scheme and host with port, empty if there is none.
func origin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// Outcome is what became of a change.
type Outcome struct {
	Done  []Edit // in effect
	Waits []Edit // an operator has to agree
}

// Change changes a client's metadata to what was asked, which is vetted as a whole.
// In a sandbox, and where it is harmless, it takes effect at once; the rest becomes
// a proposal. version is that of the client that the asker saw.
func (s *Service) Change(ctx context.Context, who account.ID, clientID string, version int64, asked client.Metadata) (Outcome, error) {
	p, c, err := s.client(ctx, who, clientID, Developer)
	if err != nil {
		return Outcome{}, err
	}
	if c.Version != version || c.State != client.Active {
		return Outcome{}, &fault.Error{Kind: fault.Conflict, Msg: MsgChanged}
	}
	if asked, err = s.hold(c.Metadata, asked); err != nil {
		return Outcome{}, err
	}
	sandbox := c.Sandbox != ""
	wanted, err := s.Vet(ctx, policy(sandbox, asked), asked)
	if err != nil {
		return Outcome{}, err
	}
	edits, err := difference(c.Metadata, wanted)
	if err != nil {
		return Outcome{}, err
	}
	if len(edits) == 0 {
		return Outcome{}, &fault.Error{Kind: fault.Invalid, Msg: MsgNothing}
	}
	out := Outcome{Done: edits}
	next := *c
	next.Metadata, next.UpdatedAt = wanted, s.Now()
	if !sandbox {
		if out, next.Metadata, err = s.split(ctx, c.Metadata, edits); err != nil {
			return Outcome{}, err
		}
	}
	next.KeepsSecret()
	err = s.Store.InTx(ctx, func(ctx context.Context) error {
		if len(out.Done) > 0 {
			fresh := next
			if err := s.amend(ctx, &fresh, clientEvent(ctx, audit.ClientChanged, string(who), c.ID, names(out.Done))); err != nil {
				return err
			}
			if err := s.note(ctx, p.ID, c.ID, string(who), WhatEdited, out.Done...); err != nil {
				return err
			}
		}
		if len(out.Waits) == 0 {
			return nil
		}
		if err := s.Store.AddProposal(ctx, Proposal{ID: NewID(), Project: p.ID, Client: c.ID, Edits: out.Waits, State: Open, By: who, At: s.Now()}); err != nil {
			if fault.Is(err, fault.Conflict) {
				err = &fault.Error{Kind: fault.Conflict, Msg: MsgOpen}
			}
			return err
		}
		if err := s.note(ctx, p.ID, c.ID, string(who), WhatProposed, out.Waits...); err != nil {
			return err
		}
		return s.Store.Record(ctx, clientEvent(ctx, audit.ClientProposed, string(who), c.ID, names(out.Waits)))
	})
	return out, s.changed(err)
}

// hold keeps the members that are not for integrators as they are.
func (s *Service) hold(before, asked client.Metadata) (client.Metadata, error) {
	a, err := before.Members()
	if err != nil {
		return asked, err
	}
	b, err := asked.Members()
	if err != nil {
		return asked, err
	}
	for _, name := range fixed {
		delete(b, name)
		if v, there := a[name]; there {
			b[name] = v
		}
	}
	return client.FromMembers(b)
}

// split parts edits into those that take effect at once and those that wait. If
// the former cannot stand without the latter, all of them wait.
func (s *Service) split(ctx context.Context, before client.Metadata, edits []Edit) (Outcome, client.Metadata, error) {
	var out Outcome
	for _, e := range edits {
		if Sensitive(before, e) {
			out.Waits = append(out.Waits, e)
		} else {
			out.Done = append(out.Done, e)
		}
	}
	if len(out.Done) == 0 {
		return out, before, nil
	}
	m, err := patched(before, out.Done)
	if err != nil {
		return out, m, err
	}
	if len(out.Waits) == 0 {
		return out, m, nil // vetted already: it is the whole
	}
	vetted, err := s.Vet(ctx, policy(false, m), m)
	if fault.KindOf(err) == fault.Invalid {
		return Outcome{Waits: edits}, before, nil
	}
	return out, vetted, err
}

func (s *Service) amend(ctx context.Context, c *client.Client, ev audit.Event) error {
	ok, err := s.Store.AmendClient(ctx, c, ev)
	if err == nil && !ok {
		err = &fault.Error{Kind: fault.Conflict, Msg: MsgChanged}
	}
	return err
}

// Withdraw takes a proposal back.
func (s *Service) Withdraw(ctx context.Context, who account.ID, clientID, proposal string) error {
	p, _, err := s.client(ctx, who, clientID, Developer)
	if err != nil {
		return err
	}
	pr, err := s.Store.ClientProposal(ctx, proposal)
	if err == nil && pr.Client != clientID {
		err = fault.New(fault.NotFound, "no such proposal")
	}
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		won, err := s.Store.SettleClientProposal(ctx, pr.ID, Withdrawn, "", string(who), s.Now())
		if err == nil && !won {
			err = &fault.Error{Kind: fault.Conflict, Msg: MsgDecided}
		}
		if err != nil {
			return err
		}
		if err := s.note(ctx, p.ID, clientID, string(who), WhatWithdrawn); err != nil {
			return err
		}
		return s.Store.Record(ctx, clientEvent(ctx, audit.ClientWithdrawn, string(who), clientID, ""))
	})
}
