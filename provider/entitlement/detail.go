package entitlement

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"kejitong/provider/account"
)

// DetailType is the one type of authorization details that there is (RFC 9396
// §2.1): actions of a business system, for a unit or for oneself.
const DetailType = "business_system"

// Detail is one entry of authorization_details:
//
//	{"type":"business_system","system":"hightech_enterprise","actions":["apply"],"on_behalf_of":{"uscc":"91…"}}
type Detail struct {
	System  SystemID
	Actions []string
	USCC    account.USCC // of the unit, "" if none is named
}

type detailJSON struct {
	Type    string    `json:"type"`
	System  SystemID  `json:"system"`
	Actions []string  `json:"actions"`
	Behalf  *unitJSON `json:"on_behalf_of,omitempty"`
}

type unitJSON struct {
	USCC account.USCC `json:"uscc"`
}

// MarshalJSON writes the form above.
func (d Detail) MarshalJSON() ([]byte, error) {
	out := detailJSON{Type: DetailType, System: d.System, Actions: d.Actions}
	if d.USCC != "" {
		out.Behalf = &unitJSON{d.USCC}
	}
	return json.Marshal(out)
}

// Bounds of what is asked for.
const (
	maxDetails = 16
	maxActions = 32
	maxName    = 64
)

// errDetail says nothing of the input: it goes to whoever sent it.
var errDetail = errors.New("the authorization details are not well-formed")

// ParseDetails reads an authorization_details parameter. RFC 9396 §5: types and
// members that are not known, values of the wrong type and missing ones are
// refused, not ignored. Member names count in their exact letters.
func ParseDetails(text string) ([]Detail, error) {
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &entries); err != nil || len(entries) == 0 || len(entries) > maxDetails {
		return nil, errDetail
	}
	out := make([]Detail, 0, len(entries))
	for _, e := range entries {
		d, err := parseDetail(e)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func parseDetail(e map[string]json.RawMessage) (d Detail, err error) {
	var kind, system string
	if !members(e, "type", "system", "actions", "on_behalf_of") || !str(e["type"], &kind) || kind != DetailType || !str(e["system"], &system) || system == "" {
		return d, errDetail
	}
	d.System = SystemID(system)
	var actions []json.RawMessage
	if e["actions"] == nil || json.Unmarshal(e["actions"], &actions) != nil || len(actions) == 0 || len(actions) > maxActions {
		return d, errDetail
	}
	for _, raw := range actions {
		var a string
		if !str(raw, &a) || a == "" {
			return d, errDetail
		}
		if !slices.Contains(d.Actions, a) {
			d.Actions = append(d.Actions, a)
		}
	}
	if raw, there := e["on_behalf_of"]; there {
		var unit map[string]json.RawMessage
		var uscc string
		if json.Unmarshal(raw, &unit) != nil || !members(unit, "uscc") || !str(unit["uscc"], &uscc) {
			return d, errDetail
		}
		if d.USCC, err = account.ParseUSCC(uscc); err != nil {
			return d, errDetail
		}
	}
	return d, nil
}

func members(e map[string]json.RawMessage, allowed ...string) bool {
	for name := range e {
		if !slices.Contains(allowed, name) {
			return false
		}
	}
	return true
}

// str reads a JSON string of bounded length; null and every other type is none.
func str(raw json.RawMessage, to *string) bool {
	return len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, to) == nil && len(*to) <= maxName && !strings.ContainsRune(*to, 0)
}

// Behalf gives the one unit that details name, "" if none does; false if they
// name several: one token is for one unit.
func Behalf(details []Detail) (account.USCC, bool) {
	var one account.USCC
	for _, d := range details {
		if d.USCC != "" && one != "" && d.USCC != one {
			return "", false
		}
		if d.USCC != "" {
			one = d.USCC
		}
	}
	return one, true
}

// Permitted narrows details to the actions that grants give, and names the unit
// for which they do. Entries without any action left are left out; the result is
// never nil.
func Permitted(details []Detail, grants []Grant, unit account.USCC) []Detail {
	out := []Detail{}
	for _, d := range details {
		var actions []string
		for _, a := range d.Actions {
			if slices.ContainsFunc(grants, func(g Grant) bool { return g.System == d.System && slices.Contains(g.Actions, a) }) {
				actions = append(actions, a)
			}
		}
		if len(actions) > 0 {
			out = append(out, Detail{System: d.System, Actions: actions, USCC: unit})
		}
	}
	return out
}

// Within tells whether all of asked is among granted, and gives it as granted: a
// unit that asked does not name is the granted one (RFC 9396 §6.1).
func Within(asked, granted []Detail) ([]Detail, bool) {
	out := make([]Detail, 0, len(asked))
	for _, a := range asked {
		var may []string
		var unit account.USCC
		for _, g := range granted {
			if g.System == a.System && (a.USCC == "" || a.USCC == g.USCC) {
				may, unit = append(may, g.Actions...), g.USCC
			}
		}
		for _, action := range a.Actions {
			if !slices.Contains(may, action) {
				return nil, false
			}
		}
		out = append(out, Detail{System: a.System, Actions: a.Actions, USCC: unit})
	}
	return out, true
}

// Of leaves out the details of systems that are not among systems.
func Of(details []Detail, systems []SystemID) []Detail {
	var out []Detail
	for _, d := range details {
		if slices.Contains(systems, d.System) {
			out = append(out, d)
		}
	}
	return out
}
