package templates_test

import (
	"time"

	"kejitong/templates"
)

func uploadSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 20, 2, 11, 0, 0, time.UTC)
	field := func(name string, required bool) templates.FileField {
		return templates.FileField{Name: name, Required: required}
	}
	stored := func(name string, pages int) templates.FileField {
		f := field(name, true)
		f.Files = []templates.StoredFile{{ID: "Kq3v" + name, URL: "/me/documents/Kq3v" + name, Pages: pages, At: at}}
		return f
	}
	fixed := stored("id_front", 1)
	fixed.Fixed = true
	waits, held := stored("id_back", 1), stored("other", 1)
	waits.Files[0].Scan, held.Files[0].Scan = "waiting", "quarantined"
	wrong := field("id_back", true)
	wrong.Error = templates.T("upload.too_large")
	other := field("other", false)
	other.Many = true
	return map[string]templates.Page{
		"papers_person": templates.Papers{
			AccountType: templates.NaturalPerson, Number: "RN20261120-7K3QXMAB", BackURL: "/me",
			Fields: []templates.FileField{field("id_front", true), field("id_back", true), other},
		},
		"papers_unit": templates.Papers{
			AccountType: templates.LegalEntity, Number: "RN20261120-7K3QXMAB", BackURL: "/me", Agreed: true, Error: templates.T("papers.incomplete"),
			Fields: []templates.FileField{stored("licence", 1), stored("id_front", 1), wrong, stored("authorisation", 2), field("change_certificate", false), other},
		},
		"papers_more": templates.Papers{
			AccountType: templates.NaturalPerson, BackURL: "/me", HandedIn: true, AgreeError: templates.T("papers.agree_missing"),
			Next: `"><script>alert(1)</script>`, Fields: []templates.FileField{fixed, waits, held},
		},
	}
}
