package templates_test

import (
	"time"

	"kejitong/templates"
)

func importSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)
	desk := func(role string, keys ...string) templates.Desk {
		d := templates.Desk{Login: "desk01", Role: role}
		for _, k := range keys {
			d.Nav = append(d.Nav, templates.DeskLink{Key: k, URL: "/admin/" + k, Here: k == "imports"})
		}
		return d
	}
	rev, sys := desk("reviewer", "home", "cases", "appeals", "accounts", "imports", "self"), desk("system_admin", "home", "imports", "operators", "notices", "self")
	search := templates.DeskField{Name: "q", Value: "91110108MA01ET88XI", Hint: templates.T("desk.hint.torch_key")}
	wrong := search
	wrong.Why = templates.T("uscc.letter_i")
	heaps := func(here string) (out []templates.DeskHeap) {
		for _, c := range []string{"E3", "E4", "E5", "I3", "I4", "I5", "I6", "rival"} {
			out = append(out, templates.DeskHeap{Code: c, URL: "/admin/import/conflicts?heap=" + c, Here: c == here})
		}
		return out
	}
	batch := templates.DeskBatchLine{URL: "/admin/import/batches/torch-0123456789ab", ID: "torch-0123456789ab", File: "火炬中心账号导出-2026年第二批-含历史企业与个人用户（更正版）.xlsx", By: "ops-wang", State: "committed",
		Rows: 1203998, Bad: 312, At: at, CommittedAt: at.Add(20 * time.Minute), Reversible: true, LookedAt: at.Add(45 * time.Minute)}
	used, staged, back := batch, batch, batch
	used.ID, used.Reversible, used.Bad = "pilot", false, 0
	staged.ID, staged.State = "torch-fedcba987654", "staged"
	back.ID, back.State, back.RevertedAt = "first-try", "reverted", at.Add(time.Hour)
	unit := templates.DeskEntryLine{URL: "/admin/import/records/a", Batch: "torch-0123456789ab", BatchURL: batch.URL, Row: 90211, Code: "E5", Suffixed: true, Key: "91350100M000100Y43", LoginName: "HJ2_91350100M000100Y43",
		Account: "/admin/accounts/a", Open: []string{"name", "grants"}}
	person := templates.DeskEntryLine{URL: "/admin/import/records/b", Batch: "pilot", BatchURL: batch.URL, Row: 7, Code: "I3", Key: "187****1111", LoginName: "HJ_187****1111", Account: "/admin/accounts/b"}
	waits := templates.DeskEntryLine{URL: "/admin/import/records/c", Batch: "torch-fedcba987654", BatchURL: batch.URL, Row: 7, Key: "187****1111"}
	why := func(row int, field, key string, n int64) templates.DeskBad {
		return templates.DeskBad{Row: row, Field: field, Why: templates.T(key), N: n}
	}
	return map[string]templates.Page{
		"desk_imports": templates.DeskImports{Desk: rev, Batches: []templates.DeskBatchLine{staged, batch, used, back}, Fields: []templates.DeskField{search}, Searched: true, Found: []templates.DeskEntryLine{unit, person, waits},
			Heaps: heaps(""), Wrap: templates.DeskWrap{All: 1203998, Done: 403998, Left: 800000, Percent: 33, Rate: "51.2", Takes: templates.T("import.takes.hours", 4)}},
		"desk_imports_sys":   templates.DeskImports{Desk: sys, Batches: []templates.DeskBatchLine{batch}, Wrap: templates.DeskWrap{All: 120, Done: 120, Percent: 100}},
		"desk_imports_none":  templates.DeskImports{Desk: sys},
		"desk_imports_wrong": templates.DeskImports{Desk: rev, Batches: []templates.DeskBatchLine{batch}, Fields: []templates.DeskField{wrong}, Wrap: templates.DeskWrap{All: 120, Left: 120}},
		"desk_batch": templates.DeskBatch{Desk: rev, Of: batch, Planned: true,
			Outcomes: []templates.DeskOutcome{{Code: "E1", N: 703998, Width: 100}, {Code: "E3", N: 1200, Width: 1, URL: "/admin/import/conflicts?heap=E3"}, {Code: "I1", N: 498800, Width: 70}},
			Sums:     []templates.DeskSum{{Key: "made", N: 1203998}, {Key: "grants", N: 12}, {Key: "passwords", N: 1203998}, {Key: "suffixed", N: 3}, {Key: "rivals", N: 1}, {Key: "known", N: 0}},
			Samples:  []templates.DeskSample{{Row: 2, Code: "E1", Key: "91350100M000100Y43", LoginName: "91350100M000100Y43", Rival: true}, {Row: 9, Code: "I3", Key: "187****1111", LoginName: "HJ2_187****1111", Suffixed: true}},
			Kinds:    []templates.DeskBad{why(0, "password_hash", "torch.row.password", 300), why(0, "user_name", "uscc.check_digit", 12)},
			BadRows:  []templates.DeskBad{why(17, "password_hash", "torch.row.password", 1), why(18, "user_name", "uscc.check_digit", 1)}, BadMore: true},
		"desk_batch_staged":   templates.DeskBatch{Desk: sys, Of: staged},
		"desk_conflicts":      templates.DeskConflicts{Desk: rev, Heaps: heaps("E5"), Code: "E5", Entries: []templates.DeskEntryLine{unit, person}, Next: "/admin/import/conflicts?page=x"},
		"desk_conflicts_none": templates.DeskConflicts{Desk: rev, Heaps: heaps("rival"), Code: "rival"},
		"desk_record": templates.DeskRecord{Desk: rev, ID: "a", Of: unit, At: at,
			Facts:    []templates.DeskFact{{Label: "unit_name", Value: longName}, {Label: "contact", Value: "王*"}, {Label: "mobile", Value: "138****0000"}},
			Parties:  []templates.DeskParty{{Key: "made", URL: "/admin/accounts/a", Login: "HJ2_91350100M000100Y43", Type: templates.NaturalPerson, State: "active", RealName: "unverified"}, {Key: "holder", URL: "/admin/accounts/b", Login: "91350100M000100Y43", Type: templates.NaturalPerson, State: "frozen", RealName: "verified"}},
			Snags:    []templates.DeskSnag{{Key: "name", Open: true, URL: "/admin/appeals"}, {Key: "grants"}},
			Reveal:   []templates.DeskField{{Name: "field", Type: "select", Options: []templates.DeskOption{{Value: "mobile", Text: templates.T("desk.fact.mobile")}}}, {Name: "ground", Type: "select", Options: []templates.DeskOption{{Value: "case", Text: templates.T("desk.ground.case")}}}},
			Revealed: &templates.DeskFact{Label: "mobile", Value: "+8613800000000"}},
		"desk_record_waits": templates.DeskRecord{Desk: rev, ID: "c", Of: waits, Mine: true, Facts: []templates.DeskFact{{Label: "mobile", Value: "187****1111"}}},
	}
}
