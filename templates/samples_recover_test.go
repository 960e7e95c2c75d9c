package templates_test

import (
	"time"

	"kejitong/templates"
)

func recoverSamples() map[string]templates.Page {
	at := time.Date(2026, 11, 26, 2, 11, 0, 0, time.UTC)
	secrets := []templates.Blank{
		{Field: "password", Kind: templates.BlankSecret, Label: templates.T("newpassword.password"), Hint: templates.T("newpassword.hint_classes", 8), Error: templates.T("password.too_short", 8)},
		{Field: "password_again", Kind: templates.BlankSecret, Label: templates.T("newpassword.again")},
	}
	back := []templates.RecoverLink{{URL: "/forgot", Label: templates.T("recover.other_way")}, {URL: "/login", Label: templates.T("recover.back_to_login")}}
	turns := []templates.AppealTurn{{At: at, What: "file"}, {At: at.Add(20 * time.Hour), What: "approve"}, {At: at.Add(30 * time.Hour), What: "reject", Reason: `材料不清晰："><script>alert(1)</script>`}}
	return map[string]templates.Page{
		"recover_forgot": templates.Forgot{},
		"recover_find": templates.RecoverForm{
			Heading: templates.T("recover.reset.title"), Lead: templates.T("recover.reset.find_lead"), Step: 1, Steps: 2,
			Tabs: []templates.RecoverLink{{URL: "/forgot/reset", Label: templates.T("recover.reset.person"), Current: true}, {URL: "/forgot/reset?window=legal_entity", Label: templates.T("recover.reset.unit")}},
			Blanks: []templates.Blank{{Field: "login_name", Label: templates.T("signin.username"), Hint: templates.T("recover.reset.login_hint"),
				Value: `"><script>alert(1)</script>`, Max: 128, Auto: "username"}},
			Captcha: templates.Captcha{ID: "AAAA", Error: templates.T("challenge.captcha")}, Submit: templates.T("recover.reset.find"), Ways: back,
		},
		"recover_verify_unit": templates.RecoverForm{
			Heading: templates.T("recover.reset.title"), Lead: templates.T("recover.reset.verify_lead"), Step: 2, Steps: 2, Notice: templates.T("recover.reset.sent"),
			Facts: []templates.RecoverFact{{Label: templates.T("signin.username"), Value: "91110108MA01ET88XL", Code: true}},
			Blanks: []templates.Blank{
				{Field: "unit_name", Label: templates.T("recover.unit_name"), Value: longName, Max: 100},
				{Field: "uscc", Label: templates.T("recover.uscc"), Value: "91110108MA01ET88XI", Max: 40, Error: templates.T("uscc.letter_i")},
				{Field: "mobile", Label: templates.T("recover.reset.mobile"), Hint: templates.T("recover.reset.mobile_hint"), Value: "13800000000", Max: 32, Mode: "tel"},
			},
			Code: &templates.Code{To: "138****0000", Error: templates.T("challenge.code")}, After: secrets, Submit: templates.T("recover.reset.submit"), Ways: back,
		},
		"recover_owed": templates.RecoverForm{
			Heading: templates.T("recover.reset.title"), Lead: templates.T("recover.reset.proved_lead"), Step: 2, Steps: 2, Error: templates.T("recover.fault.over"),
			Blanks: []templates.Blank{
				{Field: "digits", Label: templates.T("recover.reset.digits"), Hint: templates.T("recover.reset.digits_hint_unit"), Max: 12, Error: templates.T("recover.fault.digits")},
				{Field: "factor", Label: templates.T("recover.reset.factor"), Hint: templates.T("recover.reset.factor_hint"), Max: 32},
			},
			After: secrets[1:], Submit: templates.T("recover.reset.submit"),
		},
		"recover_done": templates.RecoverDone{
			Heading: templates.T("recover.done.title"), Lead: templates.T("recover.done.lead"),
			Points: []templates.Text{templates.T("recover.done.sessions"), templates.T("recover.done.notice"), templates.T("recover.done.hold")},
			Link:   templates.RecoverLink{URL: "/login", Label: templates.T("recover.done.go")},
		},
		"recover_contact":      templates.RecoverContact{UnitName: longName, Contact: "王*", Mobile: "138****0000"},
		"recover_contact_told": templates.RecoverContact{UnitName: longName, Told: true},
		"recover_fill": templates.RecoverForm{
			Heading: templates.T("appeal.unit.title"), Lead: templates.T("appeal.fill.lead"), Step: 2, Steps: 5, Submit: templates.T("recover.next"),
			Facts: []templates.RecoverFact{{Label: templates.T("recover.unit_name"), Value: longName}},
			Blanks: []templates.Blank{
				{Field: "rep_name", Label: templates.T("appeal.rep_name"), Value: "欧阳·示例", Max: 50},
				{Field: "rep_id_type", Kind: templates.BlankChoice, Label: templates.T("appeal.rep_id_type"), Value: "passport",
					Options: []templates.Option{{Value: "cn_resident_id", Label: templates.T("recover.document.cn_resident_id")}, {Value: "passport", Label: templates.T("recover.document.passport")}}},
				{Field: "is_rep", Kind: templates.BlankTick, Label: templates.T("appeal.is_rep"), Hint: templates.T("appeal.is_rep_hint"), Value: "yes"},
				{Field: "name", Label: templates.T("appeal.applicant_name"), Max: 50, Optional: true},
			},
		},
		"recover_evidence": templates.RecoverEvidence{
			Upload: "/appeal/evidence/file?flow=f", Unit: true, Roles: []string{"authorisation", "other"},
			Papers: []templates.Paper{{ID: "d1", Role: "licence", Attached: true, Needed: true}, {ID: "d2", Role: "other", Attached: true}, {Role: "authorisation", Needed: true}},
			Reason: `原经办人已离职 "><script>alert(1)</script>`, Error: templates.T("recover.fault.evidence"), FileError: templates.T("upload.empty"), ReasonError: templates.T("recover.fault.reason"),
		},
		"recover_filed": templates.RecoverDone{
			Heading: templates.T("appeal.filed.title"), Lead: templates.T("appeal.filed.lead"),
			Facts: []templates.RecoverFact{{Label: templates.T("appeal.number"), Value: "SS20261126-ABCDEFGH", Code: true},
				{Label: templates.T("appeal.secret"), Value: "ABCDEFGH-JKLMNPQR-STUVWXYZ-23456789", Code: true}},
			Points: []templates.Text{templates.T("appeal.filed.keep"), templates.T("appeal.filed.review"), templates.T("appeal.filed.after")},
			Link:   templates.RecoverLink{URL: "/appeal/track", Label: templates.T("recover.forgot.track")},
		},
		"recover_progress": templates.AppealProgress{
			Number: "SS20261126-ABCDEFGH", Kind: "unit", State: "approved", Turns: turns[:2], DueAt: at, Effective: at.Add(50 * time.Hour),
			ExpiresAt: at.Add(200 * time.Hour), Open: true, Overdue: true, RedeemURL: "/appeal/redeem?flow=f",
		},
		"recover_claim_name": templates.AppealProgress{
			Number: "SS20261126-ABCDEFGH", Kind: "unit_name", State: "approved", Turns: turns[:2], DueAt: at, Effective: at.Add(170 * time.Hour),
			ExpiresAt: at.Add(340 * time.Hour), Open: true, Aim: "name", RedeemURL: "/appeal/claim?flow=f",
		},
		"recover_claimed_name": templates.AppealProgress{
			Number: "SS20261126-ABCDEFGH", Kind: "person_name", State: "redeemed", DueAt: at, ExpiresAt: at, Aim: "name",
			Turns: []templates.AppealTurn{{At: at, What: "file"}, {At: at.Add(200 * time.Hour), What: "redeem"}},
		},
		"recover_claim_factor": templates.AppealProgress{
			Number: "SS20261126-ABCDEFGH", Kind: "person_factor", State: "approved", Turns: turns[:2], DueAt: at, Effective: at.Add(24 * time.Hour),
			ExpiresAt: at.Add(192 * time.Hour), Open: true, Aim: "factor", RedeemURL: "/appeal/claim?flow=f",
		},
		"recover_rejected": templates.AppealProgress{Number: "SS20261126-ABCDEFGH", Kind: "person", State: "rejected", Turns: turns, DueAt: at, ExpiresAt: at},
		"recover_object": templates.ObjectList{
			Appeals: []templates.AppealProgress{{Number: "SS20261126-ABCDEFGH", State: "seconding", Hidden: map[string]string{"appeal": "SS20261126-ABCDEFGH"}}},
			Which:   "SS20261126-ABCDEFGH", Error: templates.T("recover.fault.reason"),
		},
		"recover_objected": templates.ObjectList{Done: true},
	}
}
